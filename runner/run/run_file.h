/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs one test file; executed in a child process for this file only. */
#ifndef RUNNER_RUN_RUN_FILE_H
#define RUNNER_RUN_RUN_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdnoreturn.h>

#define RUN_FILE_CLEANUP_S 10	/* time limit of the cleanup after the file */

struct run_file_opts {
	const char *filter;	/* Lua pattern for test titles, or NULL */
	const json_t *only;	/* array of the test titles to run, or NULL */
	bool fail_fast;		/* stop after the first failed test */
	const char *on_failure;	/* "shell", "repl", "gdb", "keep", "ask" or NULL */
	bool gdb;
	bool record;
	unsigned int chaos;	/* with record: the seed of the VMs' timing, or 0 */
};

/*
 * Runs the file, writes its events (child.h) to event_fd, and ends the process.
 * The exit status is 0 if the file has ended, whatever its verdict; EXIT_BROKEN
 * if the harness failed; INTERRUPT_STUCK (runner/base/interrupt.h) if a time
 * limit passed in code that cannot be interrupted.  After a signal, the process
 * ends by that signal.
 */
noreturn void run_file(const char *path, const struct run_file_opts *opts, int event_fd);

#endif
