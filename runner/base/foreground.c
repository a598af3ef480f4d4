// SPDX-License-Identifier: GPL-2.0-only
/* A program in the foreground of the terminal; see foreground.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/exit_status.h"
#include "runner/base/foreground.h"
#include "runner/base/interrupt.h"

/*
 * Makes the process group the terminal's foreground.  A process in the
 * background would get SIGTTOU for that.
 */
static void take_terminal(pid_t group)
{
	void (*before)(int) = signal(SIGTTOU, SIG_IGN);

	tcsetpgrp(STDIN_FILENO, group);
	signal(SIGTTOU, before);
}

static void disable_suspend(const struct termios *modes)
{
	struct termios without = *modes;

	without.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &without);
}

static void child(char *const argv[], const int *fds, size_t nr_fds, pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_BROKEN);
	take_terminal(getpid());
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	for (size_t i = 0; i < nr_fds; i++)
		fcntl(fds[i], F_SETFD, 0);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_BROKEN);
}

int foreground_start(struct foreground *f, char *const argv[], const int *fds,
		     size_t nr_fds, struct err *err)
{
	pid_t parent = getpid();

	if (tcgetattr(STDIN_FILENO, &f->modes))
		return err_set(err, ERR_USER, -errno, "stdin is not a terminal");
	disable_suspend(&f->modes);
	f->pid = fork();
	if (!f->pid)
		child(argv, fds, nr_fds, parent);
	if (f->pid > 0) {
		setpgid(f->pid, f->pid);
		return 0;
	}
	f->pid = 0;
	err_set(err, ERR_BROKEN, -errno, "cannot start %s: %s", argv[0], strerror(errno));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &f->modes);
	return -EAGAIN;
}

static void take_back(struct foreground *f)
{
	f->pid = 0;
	take_terminal(getpgrp());
	tcsetattr(STDIN_FILENO, TCSADRAIN, &f->modes);
}

int foreground_wait(struct foreground *f, int *status, struct err *err)
{
	pid_t pid = 0;

	*status = 0;
	while (f->pid && !interrupt_pending() && pid != f->pid)
		pid = waitpid(f->pid, status, 0);	/* a signal ends this call: no SA_RESTART */
	if (f->pid && pid != f->pid)
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	if (f->pid)
		take_back(f);
	return 0;
}

void foreground_release(struct foreground *f)
{
	if (!f->pid)
		return;
	kill(f->pid, SIGKILL);
	while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
		;
	take_back(f);
}

int foreground_enter(struct foreground *f, struct err *err)
{
	if (tcgetattr(STDIN_FILENO, &f->modes))
		return err_set(err, ERR_USER, -errno, "stdin is not a terminal");
	f->group = tcgetpgrp(STDIN_FILENO);
	disable_suspend(&f->modes);
	setpgid(0, 0);
	take_terminal(getpgrp());
	return 0;
}

void foreground_leave(struct foreground *f)
{
	if (!f->group)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &f->modes);
	take_terminal(f->group);
	setpgid(0, f->group);
	f->group = 0;
}
