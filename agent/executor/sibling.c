// SPDX-License-Identifier: GPL-2.0-only
/* Forks children of the supervisor from an executor. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/executor/sibling.h"

pid_t sibling_fork(_Atomic int32_t *pid)
{
	long ret = syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID, 0, pid, 0, 0);

	return ret < 0 ? -errno : (pid_t)ret;
}

void sibling_set_up(const struct shared *shared)
{
	pid_t parent;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	parent = getppid();
	/* getppid() is 0 if the parent is in another pid namespace. */
	if (parent && parent != atomic_load(&shared->supervisor))
		_exit(1);
	setsid();
}
