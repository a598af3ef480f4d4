// SPDX-License-Identifier: GPL-2.0-only
/* provium gdb: gdb on a clone. */
#include <getopt.h>

#include "runner/base/exit_status.h"
#include "runner/base/tty.h"
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "attach", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	char *args[] = { NULL, NULL };	/* the arguments of run() in runner/lua/gdb.lua */
	int o, ret;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o != 'a')
			return cmd_usage(&cmd_gdb);
		args[1] = (char *)"attach";
	}
	if (argc - optind > 1)
		return cmd_usage_error(&cmd_gdb, "expected one fixture or profile");
	args[0] = optind < argc ? argv[optind] : NULL;
	if (!tty_on_stdin())
		return cmd_usage_error(&cmd_gdb, "stdin is not a terminal; run it in one");
	ret = cmd_check_gdb(&cmd_gdb);
	if (!ret)
		ret = cmd_set_budget(&cmd_gdb, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.gdb", 2, args);
}

const struct command cmd_gdb = {
	.name = "gdb",
	.summary = "debug the kernel and the modules of a new VM with gdb",
	.run = run,
	.usage =
"usage: provium gdb [FIXTURE|PROFILE]\n"
"   or: provium gdb --attach [ID]\n",
	.help =
"Starts gdb on your terminal, connected to a clone of the fixture or of the\n"
"profile's own fixture, which is stopped until you type `continue`. The default\n"
"is the profile in use (PROFILE=, or minimal). gdb has the symbols of the kernel\n"
"and of the modules that are in it or are inserted later, and shows your\n"
"sources. Ctrl-C stops the guest; `quit` ends it.\n"
"\n"
"To debug a test: provium test --gdb FILE. To debug the guest of a test that\n"
"has failed: provium test --on-failure=gdb FILE.\n"
"\n"
"Options:\n"
"  --attach [ID]    start gdb on a kept VM (provium kept), also if its kernel has\n"
"                   panicked\n"
"\n"
"Exit status: 0; 2 wrong arguments, no terminal, no gdb, no debugging\n"
"information; 3 broken infrastructure.\n"
"\n"
"Examples:\n"
"  provium gdb\n"
"  provium gdb ringdev\n",
};
