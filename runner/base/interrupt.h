/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals and time limits, for loops that poll and for Lua code that does not
 * poll.
 *
 * A signal sets what interrupt_pending() returns, makes interrupt_fd() readable
 * for good, and calls the hook in the signal handler, so the hook must be
 * async-signal-safe.
 */
#ifndef RUNNER_BASE_INTERRUPT_H
#define RUNNER_BASE_INTERRUPT_H

/*
 * If interrupt_alarm() is not called again within this many seconds after a
 * time limit, the process hangs in C code that cannot be interrupted, and exits
 * with this status.
 */
#define INTERRUPT_GRACE_S 10
#define INTERRUPT_STUCK 124

/*
 * Installs handlers for SIGINT, SIGTERM, SIGHUP and SIGALRM, and ignores
 * SIGPIPE and SIGXFSZ.  0 or -errno.
 */
int interrupt_init(void);
/* Sets the hook; NULL removes it. */
void interrupt_set_hook(void (*hook)(void));
int interrupt_fd(void);
/*
 * Returns the signal that arrived, or 0; SIGALRM if the time limit has passed.
 */
int interrupt_pending(void);
/* Acts as if this signal had come from outside. */
void interrupt_by(int sig);
/* Makes a signal that has been handled no longer pending. */
void interrupt_forget(void);
/*
 * Sets the time limit, in seconds from now; 0 removes it.  A limit that has
 * passed is no longer pending.
 */
void interrupt_alarm(double seconds);

#endif
