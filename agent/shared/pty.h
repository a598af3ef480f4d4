/* SPDX-License-Identifier: GPL-2.0-only */
/* Pseudo-terminals, pty(7). */
#ifndef AGENT_SHARED_PTY_H
#define AGENT_SHARED_PTY_H

#include <stdint.h>

/*
 * Opens a new pair: the master does not block, and neither end becomes a
 * controlling terminal.  Both are close-on-exec.  Returns 0; or -errno, with
 * both -1.
 */
int pty_open(int *master, int *slave);
/* Sets the size of the window, in characters. */
void pty_set_size(int fd, uint32_t rows, uint32_t cols);

#endif
