// SPDX-License-Identifier: GPL-2.0-only
/* provium version: prints versions. */
#include <lua.h>

#include "agent/wire/wire.h"
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return cmd_usage_error(&cmd_version, "expected no arguments");
	printf("provium %s, protocol %016llx, %s\n", WIRE_VERSION,
	       (unsigned long long)wire_fingerprint(), LUA_RELEASE);
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.summary = "print the version",
	.run = run,
	.usage =
"usage: provium version\n",
	.help =
"Prints the versions of provium and Lua, and the fingerprint of the protocol: a\n"
"runner and an agent with different fingerprints refuse each other.\n",
};
