// SPDX-License-Identifier: GPL-2.0-only
/* provium exec: boots a VM and runs one shell command in it. */
#include <getopt.h>
#include <limits.h>

#include "runner/cmd/cmd.h"

/* The arguments of run() in runner/lua/exec.lua. */
enum { PROFILE, COMMAND, MEMORY, CPUS, TIMEOUT, NR_ARGS };

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	char *args[NR_ARGS] = { NULL };
	int o, ret;

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
		default:
			return cmd_usage(&cmd_exec);
		}
	}
	if (argc - optind != 2)
		return cmd_usage_error(&cmd_exec,
			"expected a profile and a command (quote a command with blanks)");
	args[PROFILE] = argv[optind];
	args[COMMAND] = argv[optind + 1];
	ret = cmd_set_budget(&cmd_exec, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.exec", NR_ARGS, args);
}

const struct command cmd_exec = {
	.name = "exec",
	.summary = "run one shell command in a new VM",
	.run = run,
	.usage =
"usage: provium exec [--memory SIZE] [--cpus N] [--timeout TIME] PROFILE COMMAND\n",
	.help =
"Boots a VM of the profile and runs COMMAND in it with /bin/sh. The command's\n"
"output is shown as it comes; its standard input is empty.\n"
"\n"
"Options:\n"
"  --memory SIZE     memory of the VM, such as 512M (default: the profile's)\n"
"  --cpus N          processors of the VM (default: the profile's)\n"
"  --timeout TIME    time limit of the command: seconds, or 500ms, 90s, 20m, 2h\n"
"                    (default: 24h)\n"
"\n"
"Exit status: that of COMMAND, or 128 plus the number of the signal that killed\n"
"it; 2 wrong arguments or configuration, 3 broken infrastructure.\n"
"\n"
"Example:\n"
"  provium exec --memory 1G minimal 'free -m; uname -r'\n",
};
