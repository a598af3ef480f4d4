// SPDX-License-Identifier: GPL-2.0-only
/* provium init: writes a first test into the folder of a module. */
#include <stddef.h>

#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	char *folder = argc == 2 ? argv[1] : (char[]){ "." };

	if (argc > 2 || *folder == '-')
		return cmd_usage_error(&cmd_init, "expected at most one folder");
	return cmd_run_module("provium.init", 1, &folder);
}

const struct command cmd_init = {
	.name = "init",
	.summary = "write a first test into a module's folder",
	.run = run,
	.usage =
"usage: provium init [FOLDER]\n",
	.help =
"FOLDER (the current one) has a Kbuild or Makefile of an out-of-tree module NAME.\n"
"Writes these files, and none that exists already:\n"
"\n"
"  tests/NAME.lua            a test that loads the module\n"
"  tests/fixtures/NAME.lua   its fixture: a VM with the module loaded\n"
"  .github/workflows/provium.yml   a CI workflow, at the top of the repository\n"
"  Makefile                  a target test; if there is a Makefile, the lines for\n"
"                            it are printed\n",
};
