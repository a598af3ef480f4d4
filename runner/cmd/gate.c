// SPDX-License-Identifier: GPL-2.0-only
/* provium gate: lists the reservations in the gate's ledger. */
#include "runner/base/exit_status.h"
#include "runner/cmd/cmd.h"
#include "runner/gate/gate.h"

static int run(int argc, char **argv)
{
	struct err err;
	int ret;

	(void)argv;
	if (argc != 1)
		return cmd_usage_error(&cmd_gate, "expected no arguments");
	ret = cmd_set_budget(&cmd_gate, NULL, NULL);
	if (ret)
		return ret;
	if (!gate_show(stdout, &err) && !cmd_print_kept(stdout, false, &err))
		return 0;
	fprintf(stderr, "provium gate: %s\n", err.text);
	return EXIT_BROKEN;
}

const struct command cmd_gate = {
	.name = "gate",
	.summary = "list the runners that hold or wait for memory",
	.run = run,
	.usage =
"usage: provium gate\n",
	.help =
"A runner reserves memory for each VM before it starts it. Prints one line for\n"
"each of your runners on this host: what it has reserved, or what it waits for.\n"
"Then lists the kept VMs, as `provium kept` does.\n",
};
