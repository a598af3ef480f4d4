// SPDX-License-Identifier: GPL-2.0-only
/* Sets up a QEMU process; compiled into the runner and into forkserver.so. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/qemu/child_setup.h"

/* The OOM killer should choose a VM before it chooses the runner. */
static void volunteer_for_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "500", 3) < 0)
		(void)0;	/* not permitted: the default value is good enough */
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
	signal(SIGXFSZ, SIG_DFL);
	volunteer_for_oom();
}
