// SPDX-License-Identifier: GPL-2.0-only
/* The beginning of a QEMU; a part of the runner and of forkserver.so. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/qemu/child_setup.h"

/* The OOM killer should choose a VM, not the runner. */
static void volunteer_for_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "500", 3) < 0)
		(void)0;	/* not ours to set: nothing is lost */
	if (fd >= 0)
		close(fd);
}

void child_setup(pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	volunteer_for_oom();
}
