/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals and time limits, for loops that poll and for Lua that does not.
 *
 * A signal sets what interrupt_pending() says, makes interrupt_fd() readable
 * for good, and calls the hook (from the handler: async-signal-safe only).
 */
#ifndef RUNNER_BASE_INTERRUPT_H
#define RUNNER_BASE_INTERRUPT_H

/*
 * Who has not called interrupt_alarm() again this many seconds after a time
 * limit hangs in a place that cannot be interrupted: the process exits so.
 */
#define INTERRUPT_GRACE 10
#define INTERRUPT_STUCK 124

/* Handlers for SIGINT, SIGTERM, SIGHUP and SIGALRM.  0 or -errno. */
int interrupt_init(void);
/* Called in the handler; NULL for none. */
void interrupt_set_hook(void (*hook)(void));
int interrupt_fd(void);
/* 0, or the signal: SIGALRM when the time limit has passed. */
int interrupt_pending(void);
/* A time limit from now; 0 for none.  Clears a limit that has passed. */
void interrupt_alarm(double seconds);

#endif
