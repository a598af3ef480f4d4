/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program in the foreground of the user's terminal, as a shell starts one:
 * the keys that send signals send them to this program, not to the runner.
 */
#ifndef RUNNER_BASE_FOREGROUND_H
#define RUNNER_BASE_FOREGROUND_H

#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "runner/base/err.h"

struct foreground {
	pid_t pid;			/* 0: none */
	struct termios modes;		/* the terminal's modes before the start */
	pid_t group;			/* the group that was in the foreground
					 * before foreground_enter(); or 0 */
};

/*
 * Starts argv in a process group of its own, in the foreground of the terminal
 * on stdin; the kernel kills it when this process ends.  It inherits the
 * descriptors fds[0], ..., fds[nr_fds - 1] under the same numbers.  Ctrl-Z has
 * no effect meanwhile, because no shell knows this process group.  0; or -errno
 * with err filled.
 */
int foreground_start(struct foreground *f, char *const argv[], const int *fds,
		     size_t nr_fds, struct err *err);
/*
 * Waits for the program's end and takes the terminal back.  Returns 0 and the
 * status of wait(2) in *status; -EINTR with err filled after a signal to this
 * process.
 */
int foreground_wait(struct foreground *f, int *status, struct err *err);
/*
 * Kills the program if it still runs, takes the terminal back, and restores the
 * terminal's modes.  A second call has no effect.
 */
void foreground_release(struct foreground *f);

/*
 * Makes this process itself the terminal's foreground, in a process group of
 * its own.  As for a program, Ctrl-Z has no effect then.  0 or -errno with err
 * filled.
 */
int foreground_enter(struct foreground *f, struct err *err);
/*
 * Gives the terminal back to the group that had it, and joins that group.  A
 * second call has no effect.
 */
void foreground_leave(struct foreground *f);

#endif
