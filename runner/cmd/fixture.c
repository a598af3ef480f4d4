// SPDX-License-Identifier: GPL-2.0-only
/* provium fixture: builds, lists and removes fixtures. */
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	int ret;

	if (argc < 2)
		return cmd_usage_error(&cmd_fixture, "expected build, list or clean");
	ret = cmd_set_budget(&cmd_fixture, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.fixture_command", argc - 1, argv + 1);
}

const struct command cmd_fixture = {
	.name = "fixture",
	.summary = "build, list or remove fixtures (booted VMs saved in files)",
	.run = run,
	.usage =
"usage: provium fixture build [-v] [--stamp FILE] NAME|SCRIPT\n"
"   or: provium fixture list [NAME]\n"
"   or: provium fixture clean [NAME]\n",
	.help =
"A fixture is a booted VM saved in files; tests start from clones of it instead\n"
"of booting. A test builds the fixtures that it needs, so these commands are\n"
"rarely necessary.\n"
"\n"
"build saves the VM that the fixture's script leaves running, unless a fixture\n"
"with the same inputs exists. The script of NAME is fixtures/NAME.lua or\n"
"tests/fixtures/NAME.lua in this folder or in one above it; an argument with a\n"
"slash is the path of a script. The fixture of a profile's name needs no script:\n"
"it is a booted VM of that profile. Scripts that name no profile use $PROFILE\n"
"(default: minimal), and each profile gets a fixture of its own.\n"
"  -v                print why the fixture was built, and how long it took\n"
"  --stamp FILE      for make: write the fixture's key to FILE and its\n"
"                    dependencies to FILE.d\n"
"\n"
"list prints name, key, size and age of each fixture, whether it is current, and\n"
"the files that it was made from.\n"
"\n"
"clean removes all fixtures, or all of one name.\n"
"\n"
"Example:\n"
"  provium fixture build -v minimal\n",
};
