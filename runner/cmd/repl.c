// SPDX-License-Identifier: GPL-2.0-only
/* provium repl: a Lua prompt on a clone. */
#include <getopt.h>

#include "runner/base/exit_status.h"
#include "runner/base/tty.h"
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { NULL, 0, NULL, 0 } };
	char *name;
	int ret;

	if (getopt_long(argc, argv, "", longs, NULL) != -1)
		return cmd_usage(&cmd_repl);
	if (argc - optind > 1)
		return cmd_usage_error(&cmd_repl, "expected one fixture or profile");
	name = optind < argc ? argv[optind] : NULL;
	if (!tty_on_stdin())
		return cmd_usage_error(&cmd_repl, "stdin is not a terminal; "
				       "a file of Lua code is run by provium test FILE");
	ret = cmd_set_budget(&cmd_repl, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.repl", 1, &name);
}

const struct command cmd_repl = {
	.name = "repl",
	.summary = "open a Lua prompt on a new VM",
	.run = run,
	.usage =
"usage: provium repl [FIXTURE|PROFILE]\n",
	.help =
"Resumes a clone of the fixture, or of the profile's own fixture, and evaluates\n"
"the Lua code that you type: `vm` is the clone, and the whole API of tests is\n"
"there. The default is the profile in use (PROFILE=, or minimal).\n"
"\n"
"An expression prints its values; an incomplete line goes on in the next one.\n"
"Tab completes names, methods, constants and, in quotes, system calls; help(x)\n"
"shows the documentation of a function. Ctrl-C drops the line, or interrupts\n"
"what it does; Ctrl-D ends the prompt and the VM. The history is kept in\n"
"~/.local/state/provium/history ($XDG_STATE_HOME).\n"
"\n"
"Exit status: 0; 2 wrong arguments or no terminal, 3 broken infrastructure.\n"
"\n"
"Examples:\n"
"  provium repl\n"
"  provium repl ringdev\n",
};
