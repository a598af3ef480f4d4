/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the runner and the QEMU that it forks others from: one packet each way. */
#ifndef RUNNER_QEMU_FORKSERVER_REQUEST_H
#define RUNNER_QEMU_FORKSERVER_REQUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FORKSERVER_LINE "PROVIUM_FORKSERVER"	/* in its environment: the socket's number */
#define FORKSERVER_FDS 64
#define FORKSERVER_FD_MAX 512		/* numbers asked for are below this */

/*
 * To it, with nr_fds descriptors (SCM_RIGHTS), which get the numbers in fds.
 * The answer is an int: the pid of the copy, or -errno.
 */
struct forkserver_request {
	pid_t parent;			/* whose child it shall be */
	uint32_t nr_fds;
	int fds[FORKSERVER_FDS];
	uint32_t text_len;
	char text[32768];		/* arguments, each with its NUL */
};

#endif
