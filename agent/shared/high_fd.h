/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's own descriptors have high numbers, so that the first one that a
 * test opens is 3, as in any other process.
 */
#ifndef AGENT_SHARED_HIGH_FD_H
#define AGENT_SHARED_HIGH_FD_H

#define HIGH_FD_BASE 1000

/*
 * Moves fd to HIGH_FD_BASE or above, close-on-exec.  Returns the new number; or
 * -errno, and fd stays open.
 */
int high_fd(int fd);

#endif
