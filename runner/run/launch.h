/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a test file on another host: LAUNCH=, a command such as `srun -n1`, gets
 * as its argument a script that starts a runner for this file.  That runner
 * writes its result into a folder that the hosts share; only this process
 * writes the verdict that make sees.
 */
#ifndef RUNNER_RUN_LAUNCH_H
#define RUNNER_RUN_LAUNCH_H

#include "runner/run/child.h"

/*
 * Runs the file and returns its record, as child_run() does.  If the launcher
 * ends and there is no result of the runner, the record has an error that tells
 * what the launcher did.
 *
 * launcher: words for a shell, in which "{mem}" stands for the memory that the
 * file needs, such as "672M".  base: of the file's result.  Of opts, uses
 * file.fail_fast, on_interrupt, tick and arg.
 */
json_t *launch_run(const char *path, const char *launcher, const char *base,
		   const struct child_opts *opts);

#endif
