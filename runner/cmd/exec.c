// SPDX-License-Identifier: GPL-2.0-only
/* provium exec: runs one shell command in a VM of its own. */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/cmd/cmd.h"

/*
 * The first arguments of run() in runner/lua/exec.lua; the modules of --insmod
 * follow.
 */
enum { PROFILE, COMMAND, MEMORY, CPUS, TIMEOUT, FIXTURE, NR_ARGS };

/*
 * Takes PROFILE and COMMAND from the command line.  The words of COMMAND are
 * joined with blanks in the buffer `command`.  0 or EXIT_USAGE.
 */
static int take_words(char **args, int nr, char *const *words, struct buf *command)
{
	int first = args[FIXTURE] ? 0 : 1;

	if (args[FIXTURE] && (args[MEMORY] || args[CPUS]))
		return cmd_usage_error(&cmd_exec,
			"--fixture excludes --memory and --cpus: the fixture's VM has its own");
	if (nr <= first)
		return cmd_usage_error(&cmd_exec, first ? "expected a profile and a command" :
				       "expected a command");
	if (first)
		args[PROFILE] = words[0];
	for (int i = first; i < nr; i++)
		buf_addf(command, "%s%s", i == first ? "" : " ", words[i]);
	args[COMMAND] = (char *)buf_str(command);
	return 0;
}

static int run_with(char **args, int nr_modules, int nr_words, char *const *words)
{
	struct buf command = { 0 };
	int ret = take_words(args, nr_words, words, &command);

	if (!ret)
		ret = cmd_set_budget(&cmd_exec, NULL, NULL);
	if (!ret)
		ret = cmd_run_module("provium.exec", NR_ARGS + nr_modules, args);
	buf_release(&command);
	return ret;
}

static int parse(int argc, char **argv, char **args, int *nr_modules)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ "fixture", required_argument, NULL, 'f' },
		{ "insmod", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	/* "+": options after the profile belong to the command. */
	while ((o = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		switch (o) {
		case 'm':
			args[MEMORY] = optarg;
			break;
		case 'c':
			args[CPUS] = optarg;
			if (!cmd_number(optarg, INT_MAX))
				return cmd_usage_error(&cmd_exec,
					"--cpus %s: expected a number of 1 or more", optarg);
			break;
		case 't':
			args[TIMEOUT] = optarg;
			break;
		case 'f':
			args[FIXTURE] = optarg;
			break;
		case 'i':
			args[NR_ARGS + (*nr_modules)++] = optarg;
			break;
		default:
			return cmd_usage(&cmd_exec);
		}
	}
	return 0;
}

static int run(int argc, char **argv)
{
	char **args = xcalloc(NR_ARGS + (size_t)argc, sizeof(*args));
	int nr_modules = 0, ret = parse(argc, argv, args, &nr_modules);
	const char *first = args[FIXTURE] ? argv[optind] : optind < argc ? argv[optind + 1] : NULL;

	if (!ret && first && !strncmp(first, "--", 2))
		ret = cmd_usage_error(&cmd_exec, "%s: options stand before %s", first,
				      args[FIXTURE] ? "the command" : "the profile");
	if (!ret)
		ret = run_with(args, nr_modules, argc - optind, argv + optind);
	free(args);
	return ret;
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "run one shell command in a new VM",
	.run = run,
	.usage =
"usage: provium exec [OPTION]... PROFILE COMMAND...\n"
"   or: provium exec [OPTION]... --fixture NAME COMMAND...\n",
	.help =
"Boots a VM of the profile, or resumes a clone of the fixture, and runs COMMAND\n"
"in it with /bin/sh. Several words are joined with blanks. The command's output\n"
"is shown as it comes, and it reads what this program's standard input has: to\n"
"leave that to others, as in a loop of the shell, add </dev/null. Options stand\n"
"before PROFILE.\n"
"\n"
"Options:\n"
"  --fixture NAME    a fixture instead of a profile: looked up in fixtures/ and\n"
"                    tests/fixtures/ of this folder and of those above it, or\n"
"                    given as the path of its script; built if it is missing or\n"
"                    out of date. A profile's name stands for its own fixture\n"
"  --insmod 'MODULE[ PARAMETER=VALUE]...'\n"
"                    insert a module before: a .ko file, or the name of one that\n"
"                    make has built for this kernel; what it needs is inserted\n"
"                    first. Can be given several times\n"
"  --memory SIZE     memory of the VM, such as 512M (default: the profile's)\n"
"  --cpus N          processors of the VM (default: the profile's)\n"
"  --timeout TIME    time limit of the command: seconds, or 500ms, 90s, 20m, 2h\n"
"                    (default: 24h)\n"
"\n"
"Exit status: that of COMMAND, or 128 plus the number of the signal that killed\n"
"it; 1 the kernel has refused a module, 2 wrong arguments or configuration,\n"
"3 broken infrastructure.\n"
"\n"
"Examples:\n"
"  provium exec --memory 1G minimal 'free -m; uname -r'\n"
"  provium exec --fixture minimal --insmod 'ring.ko size=4096' ls -l /dev/ring\n"
"  tar c src | provium exec --fixture minimal 'tar x && make -C src test'\n",
};
