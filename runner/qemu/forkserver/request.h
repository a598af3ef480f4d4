/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol between the runner and the fork server: one packet in each
 * direction.
 */
#ifndef RUNNER_QEMU_FORKSERVER_REQUEST_H
#define RUNNER_QEMU_FORKSERVER_REQUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FORKSERVER_LINE "PROVIUM_FORKSERVER"	/* environment variable: the socket's number */
#define FORKSERVER_FDS 64
#define FORKSERVER_FD_MAX 512		/* requested numbers are below this */

/*
 * The request, sent with nr_fds descriptors (SCM_RIGHTS), which get the numbers
 * in fds.  The answer is an int: the pid of the new QEMU, or -errno.
 */
struct forkserver_request {
	pid_t parent;			/* the process that becomes the new QEMU's parent */
	uint32_t nr_fds;
	int fds[FORKSERVER_FDS];
	uint32_t text_len;
	char text[32768];		/* the arguments, each with its NUL */
};

#endif
