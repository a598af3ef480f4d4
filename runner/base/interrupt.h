/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals and time limits, for loops that poll and for Lua code that does not.
 *
 * A signal sets what interrupt_pending() returns, makes interrupt_fd() readable
 * for good, and calls the hook in the signal handler, so the hook must be
 * async-signal-safe.
 */
#ifndef RUNNER_BASE_INTERRUPT_H
#define RUNNER_BASE_INTERRUPT_H

/*
 * If interrupt_alarm() is not called again within this many seconds after a time
 * limit, the process hangs in C code that cannot be interrupted, and exits with
 * this status.
 */
#define INTERRUPT_GRACE_S 10
#define INTERRUPT_STUCK 124

/* Installs handlers for SIGINT, SIGTERM, SIGHUP and SIGALRM, and ignores SIGPIPE and
 * SIGXFSZ.  0 or -errno. */
int interrupt_init(void);
/* The hook, or NULL. */
void interrupt_set_hook(void (*hook)(void));
int interrupt_fd(void);
/* The signal that came, or 0; SIGALRM if the time limit has passed. */
int interrupt_pending(void);
/* Sets the time limit, seconds from now; 0 for none.  Clears one that has passed. */
void interrupt_alarm(double seconds);

#endif
