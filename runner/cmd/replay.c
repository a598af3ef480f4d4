// SPDX-License-Identifier: GPL-2.0-only
/* provium replay: runs a recorded VM again. */
#include <getopt.h>

#include "runner/base/exit_status.h"
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "until", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	char *args[] = { NULL, NULL };
	int o, ret;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o != 'u')
			return cmd_usage(&cmd_replay);
		args[1] = optarg;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_replay, "expected the folder of one recording");
	args[0] = argv[optind];
	ret = cmd_set_budget(&cmd_replay, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.replay", 2, args);
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
"                    (before the last call of the failed test), end, or a number\n"
"                    of instructions\n"
"\n"
"Exit status: 0 the same as recorded, or stopped at EVENT; 1 not the same;\n"
"2 wrong arguments, or the recording cannot be replayed here: it is damaged, or\n"
"the kernel, QEMU or the arguments are others now; 3 broken infrastructure.\n"
"\n"
"Example:\n"
"  provium replay out/record/tests/ringdev/vm-1 --until failing-call\n",
};
