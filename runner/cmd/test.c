// SPDX-License-Identifier: GPL-2.0-only
/* provium test: runs test files and reports their results. */
#include <getopt.h>
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/exit_status.h"
#include "runner/base/tty.h"
#include "runner/cmd/cmd.h"
#include "runner/run/suite.h"

/* The greatest --chaos; --repeat counts on from it. */
#define MAX_SEED 1000000000

struct arguments {
	struct suite_opts suite;
	const char *mem, *cpus;
};

/*
 * Returns Lua's error message about the pattern, or NULL if it is valid.
 * Static.
 */
static const char *pattern_error(const char *pattern)
{
	static char text[128];
	lua_State *L = luaL_newstate();

	*text = 0;
	luaL_requiref(L, "string", luaopen_string, 0);
	lua_getfield(L, -1, "find");
	lua_pushliteral(L, "x");
	lua_pushstring(L, pattern);
	if (lua_pcall(L, 2, 0, 0))
		snprintf(text, sizeof(text), "%s", lua_tostring(L, -1));
	lua_close(L);
	return *text ? text : NULL;
}

/* Is it a value of --on-failure? */
static bool is_mode(const char *word)
{
	static const char *const modes[] = { "shell", "repl", "gdb", "keep", "ask" };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(word, modes[i]))
			return true;
	return false;
}

/* Parses the value of --shard: "2/5". */
static int parse_shard(struct suite_opts *s, const char *text)
{
	const char *slash = strchr(text, '/');
	char *shard = slash ? xasprintf("%.*s", (int)(slash - text), text) : xstrdup("");

	s->shard = cmd_number(shard, INT_MAX);
	s->nr_shards = slash ? cmd_number(slash + 1, INT_MAX) : 0;
	free(shard);
	if (s->shard && s->shard <= s->nr_shards)
		return 0;
	return cmd_usage_error(&cmd_test, "--shard %s: expected the number of a part and of all parts, "
			       "from 1/1, such as 2/5", text);
}

static int parse_option(struct arguments *a, int option)
{
	struct suite_opts *s = &a->suite;

	switch (option) {
	case 'F':
		s->format = format_find(optarg);
		if (!s->format)
			return cmd_usage_error(&cmd_test,
				"--format %s: expected human, tap, json, junit, html or github", optarg);
		break;
	case 'f':
		if (pattern_error(optarg))
			return cmd_usage_error(&cmd_test, "-f %s: %s", optarg,
					       pattern_error(optarg));
		s->filter = optarg;
		break;
	case 'x':
		s->fail_fast = true;
		break;
	case 'n':
		s->repeat = cmd_number(optarg, INT_MAX);
		if (!s->repeat)
			return cmd_usage_error(&cmd_test,
				"--repeat %s: expected a number of 1 or more", optarg);
		break;
	case 's':
		return parse_shard(s, optarg);
	case 'r':
		s->rerun_failed = true;
		break;
	case 'o':
		if (!is_mode(optarg))
			return cmd_usage_error(&cmd_test,
				"--on-failure=%s: expected shell, repl, gdb, keep or ask", optarg);
		s->on_failure = optarg;
		break;
	case 'g':
		s->gdb = true;
		break;
	case 'R':
		s->record = true;
		break;
	case 'C':
		s->record = true;
		s->chaos = cmd_number(optarg, MAX_SEED);
		if (!s->chaos)
			return cmd_usage_error(&cmd_test,
				"--chaos %s: expected a seed, a number from 1 to %d",
				optarg, MAX_SEED);
		break;
	case 'v':
		s->verdict = optarg;
		s->format = &format_brief;
		break;
	case 'p':
		s->session = optarg;
		break;
	case 'l':
		s->launch = optarg;
		break;
	case 'm':
		a->mem = optarg;
		break;
	case 'c':
		a->cpus = optarg;
		break;
	default:
		return cmd_usage(&cmd_test);
	}
	return 0;
}

/*
 * Checks --record: QEMU can record only VMs that run on TCG and do not use
 * vsock.
 */
static int check_record(const struct suite_opts *s)
{
	const char *option = s->chaos ? "--chaos" : "--record";
	static const char *const needs[][2] = { { "ACCEL", "tcg" }, { "TRANSPORT", "serial" } };

	if (s->on_failure || s->gdb)
		return cmd_usage_error(&cmd_test, "%s excludes --on-failure and --gdb: "
			"provium replay --gdb shows the recorded run", option);
	for (size_t i = 0; i < 2; i++) {
		const char *chosen = getenv(needs[i][0]);

		if (chosen && *chosen && strcmp(chosen, "auto") && strcmp(chosen, needs[i][1]))
			return cmd_usage_error(&cmd_test, "%s needs %s=%s, which QEMU can record; "
				"it is %s", option, needs[i][0], needs[i][1], chosen);
	}
	return 0;
}

/*
 * Checks --gdb: is there a gdb, and debugging information of the default
 * profile? The profile of --rerun-failed is known only later.
 */
static int check_gdb(const struct suite_opts *s)
{
	char *args[] = { NULL, (char *)"check" };	/* the arguments of run() in
							 * runner/lua/gdb.lua */
	int ret = cmd_check_gdb(&cmd_test);

	return ret || s->rerun_failed ? ret : cmd_run_module("provium.gdb", 2, args);
}

/* Checks for options that need or exclude each other. */
static int check_options(const struct suite_opts *s, int nr_paths)
{
	if (!nr_paths && !s->rerun_failed)
		return cmd_usage_error(&cmd_test, "expected a test file or a folder");
	if (s->verdict && (nr_paths != 1 || s->repeat != 1 || s->nr_shards))
		return cmd_usage_error(&cmd_test,
			"--verdict needs exactly one file, and excludes --repeat and --shard");
	if ((s->on_failure || s->gdb) && s->verdict)
		return cmd_usage_error(&cmd_test, "--verdict excludes --on-failure and --gdb");
	if (s->record && check_record(s))
		return EXIT_USAGE;
	if (((s->on_failure && strcmp(s->on_failure, "keep")) || s->gdb) && !tty_on_stdin())
		return cmd_usage_error(&cmd_test,
			"%s%s: stdin is not a terminal; run it in one, or without this option",
			s->gdb ? "--gdb" : "--on-failure=", s->gdb ? "" : s->on_failure);
	if (s->gdb && (nr_paths != 1 || s->repeat != 1))
		return cmd_usage_error(&cmd_test,
			"--gdb needs exactly one file, and excludes --repeat");
	if (s->gdb || (s->on_failure && !strcmp(s->on_failure, "gdb")))
		return check_gdb(s);
	if (s->session && !s->verdict)
		return cmd_usage_error(&cmd_test, "--session needs --verdict");
	if (s->launch && (!s->verdict || s->record || s->filter))
		return cmd_usage_error(&cmd_test,
			"--launch needs --verdict, and excludes -f, --record and --chaos");
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'F' },
		{ "filter", required_argument, NULL, 'f' },
		{ "fail-fast", no_argument, NULL, 'x' },
		{ "rerun-failed", no_argument, NULL, 'r' },
		{ "repeat", required_argument, NULL, 'n' },
		{ "shard", required_argument, NULL, 's' },
		{ "on-failure", required_argument, NULL, 'o' },
		{ "gdb", no_argument, NULL, 'g' },
		{ "record", no_argument, NULL, 'R' },
		{ "chaos", required_argument, NULL, 'C' },
		{ "verdict", required_argument, NULL, 'v' },
		{ "session", required_argument, NULL, 'p' },
		{ "launch", required_argument, NULL, 'l' },
		{ "mem", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments a = { .suite = { .format = &format_human, .repeat = 1 } };
	int o, ret = 0;

	while (!ret && (o = getopt_long(argc, argv, "f:", longs, NULL)) != -1)
		ret = parse_option(&a, o);
	if (!ret)
		ret = cmd_set_budget(&cmd_test, a.mem, a.cpus);
	if (!ret)
		ret = check_options(&a.suite, argc - optind);
	if (ret)
		return ret;
	/*
	 * A file that is repeated would remove the recordings of its earlier
	 * failure.
	 */
	a.suite.fail_fast |= a.suite.record && a.suite.repeat > 1;
	return suite_run(argv + optind, (size_t)(argc - optind), &a.suite);
}

const struct command cmd_test = {
	.name = "test",
	.summary = "run test files and report their results",
	.run = run,
	.usage =
"usage: provium test [OPTION]... FILE|DIR...\n"
"   or: provium test --rerun-failed [OPTION]... [FILE|DIR]...\n",
	.help =
"Runs test files, each in a process of its own, and prints a report. A DIR\n"
"stands for all *.lua files below it, sorted by name, except those in folders\n"
"called fixtures or lib and in folders whose name starts with \"_\" or \".\".\n"
"\n"
"Options:\n"
"  --format FORMAT   report format: human (the default), tap (KTAP), json (one\n"
"                    object per line, printed as it happens), junit (XML), html\n"
"                    (a page for a browser) or github (human, with annotations\n"
"                    for GitHub Actions)\n"
"  -f, --filter PATTERN\n"
"                    run only the tests whose title matches this Lua pattern\n"
"  --fail-fast       stop after the first failure\n"
"  --rerun-failed    run only the tests that failed when they last ran; without\n"
"                    a FILE or DIR, all of those\n"
"  --on-failure=shell\n"
"                    open a shell in the VM of a test that has failed, as the\n"
"                    test has left it; needs a terminal\n"
"  --on-failure=repl open a Lua prompt with the test's local variables\n"
"  --on-failure=gdb  start gdb on it; a kernel that has panicked is shown, too\n"
"  --on-failure=keep keep the VM of the first failed test of each file, stopped,\n"
"                    when the run has ended (see `provium kept`); needs no\n"
"                    terminal. A test that shares its VM ends its file\n"
"  --on-failure=ask  ask at each failure what to open\n"
"  --gdb             start gdb on the file's first VM once that is ready; the\n"
"                    test goes on while gdb lets the guest run, without time\n"
"                    limits\n"
"  --record          record the VMs, which boot and are no clones, and keep the\n"
"                    recordings of a failed file below out/record, for provium\n"
"                    replay; needs TCG, one processor and no disks\n"
"  --chaos SEED      record, under a timing that SEED determines: the speed of\n"
"                    the guest's clock, and interruptions of its processes. With\n"
"                    --repeat, each time under the timing of the next SEED\n"
"  --repeat N        run everything N times (default: 1)\n"
"  --shard N/PARTS   run one part of the files, such as 2/5: of every five, the\n"
"                    second one. The same files give the same parts\n"
"  --mem SIZE        memory budget of all VMs of all your runners, such as 512M\n"
"                    or 2G (default: $PROVIUM_MEM, else what the host has free)\n"
"  --cpus N          processor budget of the same VMs (default: $PROVIUM_CPUS,\n"
"                    else no limit)\n"
"\n"
"Options used by make:\n"
"  --verdict BASE    write the results to BASE.result, the test's dependencies to\n"
"                    BASE.d and, if all tests passed, an empty BASE.ok; the exit\n"
"                    status is 0 if these files could be written\n"
"  --session FILE    share the session in FILE with the other runners of this\n"
"                    make; see `provium make-plan --help`\n"
"  --launch COMMAND  run COMMAND with the path of a script that starts the file's\n"
"                    runner, as on another host; {mem} in COMMAND stands for the\n"
"                    memory that the file needs (make's LAUNCH=)\n"
"\n"
"Exit status: 0 all tests passed, 1 a test failed, 2 wrong arguments or\n"
"configuration, 3 broken infrastructure.\n"
"\n"
"Example:\n"
"  provium test --fail-fast -f '^openat' tests/calls\n",
};
