/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner's exit statuses, as `provium test --help` documents them.
 *
 * 0 is success.  A command that a signal interrupts returns the signal's
 * number, negated, to main(), which then ends the process by that signal.
 */
#ifndef RUNNER_BASE_EXIT_STATUS_H
#define RUNNER_BASE_EXIT_STATUS_H

enum exit_status {
	EXIT_TEST_FAILED = 1,
	EXIT_USAGE = 2,		/* wrong arguments or configuration */
	EXIT_BROKEN = 3,	/* the infrastructure failed: there is no verdict */
};

#endif
