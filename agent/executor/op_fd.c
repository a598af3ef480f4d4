// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records the descriptors that an op opens, so that all are closed when its
 * thread ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/executor/op_fd.h"
#include "agent/shared/pty.h"

sigset_t executor_block_end(void)
{
	sigset_t end, before;

	sigemptyset(&end);
	sigaddset(&end, THREAD_END_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &end, &before);
	return before;
}

static void hold(struct executor *ex, int fd)
{
	for (size_t i = 0; fd >= 0 && i < HELD_MAX; i++) {
		if (!ex->held[i]) {
			ex->held[i] = fd + 1;
			break;
		}
	}
}

int executor_open(struct executor *ex, const char *path, int flags)
{
	sigset_t before = executor_block_end();
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0644), err = errno;

	hold(ex, fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd < 0 ? -err : fd;
}

int executor_pipe(struct executor *ex, int fds[2])
{
	sigset_t before = executor_block_end();
	int ret = pipe2(fds, O_CLOEXEC) ? -errno : 0;

	if (!ret) {
		hold(ex, fds[0]);
		hold(ex, fds[1]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int executor_pty(struct executor *ex, int fds[2])
{
	sigset_t before = executor_block_end();
	int ret = pty_open(&fds[0], &fds[1]);

	hold(ex, fds[0]);
	hold(ex, fds[1]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int executor_pidfd(struct executor *ex, pid_t pid)
{
	sigset_t before = executor_block_end();
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), err = errno;

	hold(ex, fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd < 0 ? -err : fd;
}

int executor_close(struct executor *ex, int *fd)
{
	sigset_t before = executor_block_end();
	int ret = *fd >= 0 && close(*fd) ? -errno : 0;

	for (size_t i = 0; *fd >= 0 && i < HELD_MAX; i++)
		if (ex->held[i] == *fd + 1)
			ex->held[i] = 0;
	*fd = -1;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

void executor_close_held(struct executor *ex)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (ex->held[i])
			close(ex->held[i] - 1);
}
