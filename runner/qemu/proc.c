// SPDX-License-Identifier: GPL-2.0-only
/* Starts a child process that cannot outlive the runner; see proc.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/caller.h"
#include "runner/qemu/child_setup.h"
#include "runner/qemu/forkserver/client.h"
#include "runner/qemu/proc.h"

void proc_init(struct proc *p)
{
	*p = (struct proc){ .pidfd = -1 };
}

static void child(char *const argv[], const int *fds, size_t nr_fds,
		  int err_fd, int report_fd, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), err;

	child_setup(parent);
	dup2(null, 0);
	dup2(null, 1);
	dup2(err_fd, 2);
	for (size_t i = 0; i < nr_fds; i++)
		if (fds[i] >= 0)
			fcntl(fds[i], F_SETFD, 0);
	execvp(argv[0], argv);
	err = errno;
	if (write(report_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

static int cannot_start(const char *program, int number, struct err *err)
{
	if (number == ENOENT)
		return err_set(err, ERR_BROKEN, -number, "cannot start %s: %s (is QEMU installed? "
			       "`%s deps` does it on Debian and Ubuntu)", program,
			       strerror(number), caller_make());
	return err_set(err, ERR_BROKEN, -number, "cannot start %s: %s%s", program,
		       strerror(number), err_limit_advice(number));
}

/* Forks and executes argv.  Returns the pid, or -errno with err filled. */
static pid_t execute(char *const argv[], const int *fds, size_t nr_fds, int err_fd,
		     struct err *err)
{
	pid_t parent = getpid(), pid;
	int report[2], failed = 0;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return cannot_start(argv[0], errno, err);
	pid = fork();
	if (!pid)
		child(argv, fds, nr_fds, err_fd, report[1], parent);
	close(report[1]);
	if (pid < 0) {
		failed = errno;
		close(report[0]);
		return cannot_start(argv[0], failed, err);
	}
	do {	/* reads end of file if execve(2) succeeds: the pipe is close-on-exec */
		n = read(report[0], &failed, sizeof(failed));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (!failed)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return cannot_start(argv[0], failed, err);
}

int proc_start(struct proc *p, char *const argv[], const int *fds,
	       size_t nr_fds, int err_fd, struct err *err)
{
	pid_t pid = forkserver_spawn(argv, fds, nr_fds, err_fd);

	if (pid < 0)
		pid = execute(argv, fds, nr_fds, err_fd, err);
	if (pid < 0)
		return pid;
	p->pid = pid;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0) {
		int e = errno;

		proc_release(p);
		return err_set(err, ERR_BROKEN, -e, "pidfd_open: %s", strerror(e));
	}
	return 0;
}

bool proc_ended(struct proc *p)
{
	if (p->pid && waitpid(p->pid, &p->status, WNOHANG) == p->pid) {
		p->pid = 0;
		close(p->pidfd);
		p->pidfd = -1;
	}
	return !p->pid;
}

void proc_release(struct proc *p)
{
	if (p->pid) {
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
			;
	}
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pid = 0;
	p->pidfd = -1;
}
