// SPDX-License-Identifier: GPL-2.0-only
/* provium accel: prints what a profile's VMs run on. */
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/cmd/cmd.h"
#include "runner/probe/choice.h"

static int run(int argc, char **argv)
{
	struct accel accel;
	struct err err;
	char line[1024];

	if (argc != 2)
		return cmd_usage_error(&cmd_accel, "expected a profile");
	if (choice_make(argv[1], &accel, &err)) {
		fprintf(stderr, "provium accel: %s\n", err.text);
		return interrupt_pending() ? -interrupt_pending() :
		       err.kind == ERR_USER ? EXIT_USAGE : EXIT_BROKEN;
	}
	accel_line(&accel, argv[1], accel.release, line, sizeof(line));
	puts(line);
	return 0;
}

const struct command cmd_accel = {
	.name = "accel",
	.summary = "print the accelerator of a profile's VMs",
	.run = run,
	.usage =
"usage: provium accel PROFILE\n",
	.help =
"Prints the accelerator (kvm or tcg) and the transport (vsock or serial) that\n"
"VMs of the profile use, the release of its kernel, and the reason. Probes them\n"
"by booting the profile's kernel if no result is stored. make runs this before\n"
"the tests, so that the probe does not run in the first of them.\n"
"\n"
"ACCEL=kvm|tcg and TRANSPORT=vsock|serial in the environment override the choice.\n",
};
