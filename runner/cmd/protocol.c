// SPDX-License-Identifier: GPL-2.0-only
/* provium protocol: prints the manual of the wire protocol. */
#include "agent/wire/wire.h"
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return cmd_usage_error(&cmd_protocol, "expected no arguments");
	wire_manual(stdout);
	return 0;
}

const struct command cmd_protocol = {
	.name = "protocol",
	.summary = "print the manual of the protocol between runner and agent",
	.run = run,
	.usage =
"usage: provium protocol\n",
	.help =
"Prints every operation of the protocol between runner and agent, with the\n"
"fields of its request and its reply. The manual is made from the same table as\n"
"the code (agent/wire/protocol.h).\n",
};
