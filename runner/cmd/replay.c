// SPDX-License-Identifier: GPL-2.0-only
/* provium replay: runs a recorded VM again. */
#include <getopt.h>
#include <string.h>

#include "runner/base/exit_status.h"
#include "runner/base/tty.h"
#include "runner/cmd/cmd.h"

/*
 * Is there a gdb, if the options need one? gdb finds the place of a kernel's
 * complaint or panic; without --gdb it shows the backtrace and ends.
 */
static int check_gdb(const char *until, bool interactive)
{
	if (interactive && !tty_on_stdin())
		return cmd_usage_error(&cmd_replay,
			"--gdb: stdin is not a terminal; run it in one, or without this option");
	if (interactive || (until && (!strcmp(until, "complaint") || !strcmp(until, "panic"))))
		return cmd_check_gdb(&cmd_replay);
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "until", required_argument, NULL, 'u' },
		{ "gdb", no_argument, NULL, 'g' },
		{ "serve", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static char gdb[] = "gdb", serve[] = "serve";
	char *args[] = { NULL, NULL, NULL };
	int o, ret;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o == 'u')
			args[1] = optarg;
		else if (o == 'g' || o == 's')
			args[2] = o == 'g' ? gdb : serve;
		else
			return cmd_usage(&cmd_replay);
	}
	if (args[2] == serve && argc - optind == 2)
		args[1] = argv[--argc];
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_replay, "expected the folder of one recording");
	args[0] = argv[optind];
	ret = check_gdb(args[1], args[2] == gdb);
	if (!ret)
		ret = cmd_set_budget(&cmd_replay, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.replay", 3, args);
}

const struct command cmd_replay = {
	.name = "replay",
	.summary = "run a recorded VM again, instruction by instruction the same",
	.run = run,
	.usage =
"usage: provium replay [OPTION]... DIR\n",
	.help =
"Runs a VM that `provium test --record` has recorded again: its processor\n"
"executes the same instructions, and what came from outside comes from the\n"
"recording; the test file is not run. At the end, compares the console and the\n"
"number of instructions with the recording. DIR is the folder that the report of\n"
"the failed test names.\n"
"\n"
"Options:\n"
"  --until EVENT     stop there and show the end of the console. EVENT is\n"
"                    booted, the title of a test (its beginning), failing-call\n"
"                    (before the last call of the failed test), complaint (the\n"
"                    kernel's first), panic, end, or a number of instructions\n"
"  --gdb             start gdb there. It has the symbols of the kernel and the\n"
"                    modules, and goes back, too: `back`, `back to FUNCTION`,\n"
"                    `watch-back EXPRESSION` (the last write), `instruction N`\n"
"\n"
"Option used by gdb:\n"
"  --serve DIR N     serve the replay from instruction N on to the gdb on stdin\n"
"\n"
"Exit status: 0 the same as recorded, or stopped at EVENT; 1 not the same;\n"
"2 wrong arguments, or the recording cannot be replayed here: it is damaged, or\n"
"the kernel, QEMU or the arguments are others now; 3 broken infrastructure.\n"
"\n"
"Example:\n"
"  provium replay out/record/tests/ringdev/vm-1 --gdb --until failing-call\n",
};
