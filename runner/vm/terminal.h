/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A terminal of the host connected to a shell in the guest.
 *
 * Output is asked for only while less than OUTPUT_BYTES of it wait to be
 * written, and a key is read only once the guest has taken the ones before it.
 * So a terminal that is slow, or stopped with Ctrl-S, makes the guest's program
 * wait, and memory does not grow.
 */
#ifndef RUNNER_VM_TERMINAL_H
#define RUNNER_VM_TERMINAL_H

#include <poll.h>

#include "runner/vm/vm.h"

struct terminal;

struct terminal_opts {
	int tty_fd;			/* the terminal, non-blocking */
	/*
	 * Readable: the size of the window has changed.  End of file: the
	 * terminal is no longer used.
	 */
	int size_fd;
	const char *term, *lang, *prompt;	/* TERM, LANG, PS1; "": unset */
};

enum terminal_state {
	TERMINAL_RUNS,
	TERMINAL_ENDED,			/* the shell has ended, and all is written */
	TERMINAL_LEFT,			/* the user has typed the keys to leave */
	TERMINAL_GONE,			/* the host's terminal was closed */
	TERMINAL_DEAD,			/* the VM has died, or the agent failed */
};

/* Keys that are not for the guest: this one and then q ends the terminal. */
#define TERMINAL_ESCAPE 0x1d		/* Ctrl-] */

/*
 * Takes a key.  *escaped: was the key before it TERMINAL_ESCAPE, as half of a
 * pair?  Returns true if the two are the keys that leave the terminal.
 */
bool terminal_leaves(bool *escaped, uint8_t key);

/*
 * Starts a shell in the guest, without waiting for it.  The descriptors stay
 * the caller's.  NULL with err filled.
 */
struct terminal *terminal_new(struct vm *vm, const struct terminal_opts *opts,
			      struct err *err);
/*
 * Hangs up if the shell has not ended.  Does nothing to a guest that does not
 * answer.  NULL is allowed.
 */
void terminal_free(struct terminal *t);

#define TERMINAL_FDS 2

/* Fills in what poll(2) must wait for, besides the VM. */
void terminal_poll(const struct terminal *t, struct pollfd fds[TERMINAL_FDS]);
/* The link to the agent of its VM, for a caller that waits for other VMs. */
struct pollfd terminal_poll_vm(const struct terminal *t);
/*
 * Moves what can be moved, without waiting.  TERMINAL_ENDED: *code is the
 * shell's exit status, or 128 plus the signal.  TERMINAL_DEAD: err is filled.
 */
enum terminal_state terminal_step(struct terminal *t,
				  const struct pollfd fds[TERMINAL_FDS], int *code,
				  struct err *err);
/*
 * Does both in a loop, and handles the VM, until the state is another one than
 * TERMINAL_RUNS, or a signal arrives: then err is filled and the state is
 * TERMINAL_DEAD.
 */
enum terminal_state terminal_run(struct terminal *t, int *code, struct err *err);

#endif
