/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends descriptors over a unix(7) socket. */
#ifndef RUNNER_BASE_PASS_FD_H
#define RUNNER_BASE_PASS_FD_H

#include <stddef.h>
#include <sys/types.h>

#define PASS_FD_MAX 64			/* most descriptors in one message */

/*
 * As send(2) of len bytes, without SIGPIPE, and with nr descriptors, 0 to
 * PASS_FD_MAX (SCM_RIGHTS), which stay open here.  The number of bytes that
 * were sent, or -1 with errno.
 */
ssize_t pass_fd_send(int to, const void *bytes, size_t len, const int *fds, size_t nr,
		     int flags);

#endif
