// SPDX-License-Identifier: GPL-2.0-only
/* Ends the programs that a test has left running. */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/run/leftovers.h"

#define END_TIMEOUT_S 5.0	/* a process in an uninterruptible sleep does not end */

void leftovers_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int *spared;
static size_t nr_spared;

void leftovers_spare(int pid)
{
	spared = xreallocarray(spared, nr_spared + 1, sizeof(*spared));
	spared[nr_spared++] = pid;
}

static bool is_spared(int pid)
{
	for (size_t i = 0; i < nr_spared; i++)
		if (spared[i] == pid)
			return true;
	return false;
}

/*
 * Kills the children of this process, except those given to leftovers_spare().
 * Returns how many there were.
 */
static int kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	int nr = 0, pid;

	while (f && fscanf(f, "%d", &pid) == 1)
		if (!is_spared(pid) && !kill(pid, SIGKILL))
			nr++;
	if (f)
		fclose(f);
	return nr;
}

void leftovers_end(void)
{
	int64_t deadline = deadline_in(END_TIMEOUT_S);

	/*
	 * The children of a process that ends here become children of this
	 * process.
	 */
	do {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!kill_children())
			return;
	} while (!poll(NULL, 0, 1) && deadline_poll_ms(deadline));
}
