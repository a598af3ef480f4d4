/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal on stdin, in raw mode. */
#ifndef RUNNER_BASE_TTY_H
#define RUNNER_BASE_TTY_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "runner/base/err.h"

struct tty {
	int fd;				/* read and written, non-blocking; -1: closed */
	/*
	 * Readable when the window's size may have changed (signalfd(2)): then
	 * read it, and call tty_size().
	 */
	int size_fd;
	bool is_raw;
	struct termios saved;		/* the modes before raw mode */
	sigset_t saved_signals;
};

void tty_init(struct tty *tty);
/*
 * Opens the terminal anew, because O_NONBLOCK on stdin itself would stay after
 * this process has ended, and blocks SIGWINCH.  The modes stay as they are.  0;
 * or -errno with err filled: kind user if stdin is not a terminal.
 */
int tty_open(struct tty *tty, struct err *err);
/* Makes every key a byte that can be read, Ctrl-C included.  0 or -errno. */
int tty_set_raw(struct tty *tty);
/* Restores the modes and SIGWINCH.  Allowed in any state. */
void tty_release(struct tty *tty);

/* Is stdin a terminal? */
bool tty_on_stdin(void);
/* Gets the size of the terminal's window in characters; 24 x 80 if unknown. */
void tty_size(int fd, unsigned int *rows, unsigned int *cols);
/*
 * Returns how many columns of a row of the terminal on stdout can be used: one
 * less than it has, because a character in the last column makes some terminals
 * go on below.
 */
size_t tty_usable_columns(void);

#endif
