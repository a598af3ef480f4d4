// SPDX-License-Identifier: GPL-2.0-only
/* Steps a process with ptrace(2), and kills it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "runner/base/deadline.h"
#include "tests/host/lib/tap.h"
#include "tests/host/lib/victim.h"

#define LIMIT_S 1.0			/* time limit for a stop that was
					 * requested, in seconds */
/* A step that takes longer may sleep in the kernel. */
#define BLOCKED_S 0.03
/* How often a waiting function checks the clock. */
#define TICK_US 10000

static void tick(int sig)
{
	(void)sig;
}

void victim_init(void)
{
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = tick }, NULL);
}

/* SIGALRM interrupts waitpid(); then the clock is checked. */
static void tick_every(long us)
{
	const struct itimerval timer = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Waits for the victim.  1: it has stopped; 0: it has ended; -1: neither in
 * time.
 */
static int await_stop(pid_t pid, double limit_s)
{
	int64_t deadline = deadline_in(limit_s);
	int status = 0;
	pid_t got;

	tick_every(TICK_US);
	do {
		got = waitpid(pid, &status, __WALL);
	} while (got < 0 && errno == EINTR && clock_ns() < deadline);
	tick_every(0);
	if (got == pid)
		return WIFSTOPPED(status);
	return errno == EINTR ? -1 : 0;
}

bool victim_seize(pid_t pid)
{
	return !ptrace(PTRACE_SEIZE, pid, 0, 0) && !ptrace(PTRACE_INTERRUPT, pid, 0, 0) &&
	       await_stop(pid, LIMIT_S) == 1;
}

static bool sleeps(pid_t pid)
{
	char path[40], stat[200] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file && !fgets(stat, sizeof(stat), file))
		*stat = 0;
	if (file)
		fclose(file);
	return strstr(stat, ") S");
}

/*
 * Waits until a step is done.  Returns false if the victim has ended, or sleeps
 * in a system call.
 */
static bool await_step(pid_t pid)
{
	int stopped;

	for (unsigned int slept = 0; slept < 3; slept += sleeps(pid)) {
		stopped = await_stop(pid, BLOCKED_S);
		if (stopped >= 0)
			return stopped;
	}
	return false;
}

bool victim_step(pid_t pid, unsigned int k, bool trace, unsigned long long *ip)
{
	struct user_regs_struct regs;

	for (unsigned int i = 0; i < k; i++) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || !await_step(pid))
			return false;
		if (trace && !ptrace(PTRACE_GETREGS, pid, 0, &regs))
			note("step %u: %#llx", i + 1, regs.rip);
	}
	*ip = ptrace(PTRACE_GETREGS, pid, 0, &regs) ? 0 : regs.rip;
	return true;
}

void victim_strike(pid_t pid, int sig)
{
	if (sig == SIGKILL) {
		kill(pid, SIGKILL);
		for (int i = 0; i < 100 && await_stop(pid, LIMIT_S) == 1; i++)
			;
		return;
	}
	if (ptrace(PTRACE_DETACH, pid, 0, sig)) {
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		await_stop(pid, LIMIT_S);
		ptrace(PTRACE_DETACH, pid, 0, sig);
	}
}
