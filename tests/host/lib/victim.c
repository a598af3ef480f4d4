// SPDX-License-Identifier: GPL-2.0-only
/* Steps a process with ptrace(2), and kills it. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "tests/host/lib/victim.h"

#define LIMIT_S 1.0			/* time limit for a stop that was
					 * requested, in seconds */
/* Seconds; the victim may sleep in the kernel in a step that takes longer. */
#define BLOCKED_S 0.03
#define REPEATS_STEPPED 8		/* iterations of a string instruction */
/* How often a waiting function checks the clock. */
#define TICK_US 10000
#define SLEEP_POLL_US 100

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

bool victim_await_sleep(pid_t pid, long nr)
{
	int64_t deadline = deadline_in(LIMIT_S);
	char path[40], text[200];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	do {
		file = fopen(path, "re");
		if (!file || !fgets(text, sizeof(text), file))
			strcpy(text, "-1");
		if (file)
			fclose(file);
		if (strtol(text, NULL, 10) == nr && isdigit((unsigned char)*text))
			return true;
		usleep(SLEEP_POLL_US);
	} while (clock_ns() < deadline);
	return false;
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

static unsigned long long address_of(pid_t pid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, pid, 0, &regs) ? 0 : regs.rip;
}

/* --- breakpoints --- */

static bool replace_byte(pid_t pid, unsigned long long at, uint8_t new, uint8_t *old)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	if (errno)
		return false;
	*old = (uint8_t)word;
	return !ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffL) | new);
}

/*
 * Runs the victim to the address, with a breakpoint that its children must not
 * meet.  Returns false if it sleeps or ends before.
 */
static bool run_to(pid_t pid, unsigned long long at)
{
	struct user_regs_struct regs;
	uint8_t int3, instruction;
	bool hit;

	if (address_of(pid) == at)
		return true;
	if (!replace_byte(pid, at, 0xcc, &instruction) || ptrace(PTRACE_CONT, pid, 0, 0))
		return false;
	hit = await_step(pid) && !ptrace(PTRACE_GETREGS, pid, 0, &regs) && regs.rip == at + 1;
	if (!hit) {
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		await_stop(pid, LIMIT_S);
	}
	replace_byte(pid, at, instruction, &int3);
	regs.rip = at;
	return hit && !ptrace(PTRACE_SETREGS, pid, 0, &regs);
}

/*
 * Returns the length of the instruction if it is a string instruction that
 * repeats: the byte 0xf3, the byte 0x48 if it takes 8 bytes at a time, and the
 * opcode.  Else returns 0.
 */
static unsigned int repeat_length(pid_t pid, unsigned long long at)
{
	long word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	uint8_t bytes[sizeof(word)];

	memcpy(bytes, &word, sizeof(word));
	if (bytes[0] != 0xf3)
		return 0;
	bytes[1] = bytes[1] == 0x48 ? bytes[2] : bytes[1];
	if ((bytes[1] & 0xfe) != 0xa4 && (bytes[1] & 0xfe) != 0xaa)
		return 0;
	return (word >> 8 & 0xff) == 0x48 ? 3 : 2;
}

/*
 * Makes one step; *repeats counts the steps at this address in a row.  What is
 * left of a string instruction after REPEATS_STEPPED iterations is one step.
 */
static bool one_step(pid_t pid, unsigned long long *ip, unsigned int *repeats)
{
	unsigned int length = *repeats >= REPEATS_STEPPED ? repeat_length(pid, *ip) : 0;
	unsigned long long before = *ip;

	if (length) {
		if (!run_to(pid, before + length))
			return false;
	} else if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || !await_step(pid)) {
		return false;
	}
	*ip = address_of(pid);
	*repeats = *ip == before ? *repeats + 1 : 0;
	return true;
}

bool victim_step(pid_t pid, unsigned int k, unsigned long long *ip)
{
	unsigned int repeats = 0;

	*ip = address_of(pid);
	for (unsigned int i = 0; i < k; i++)
		if (!one_step(pid, ip, &repeats))
			return false;
	return true;
}

static bool is_system_call(pid_t pid, unsigned long long at)
{
	return (ptrace(PTRACE_PEEKTEXT, pid, at, 0) & 0xffff) == 0x050f;
}

unsigned int victim_trace(pid_t pid, struct remains *remains, struct moment *moments,
			  unsigned int cap)
{
	struct moment at = { address_of(pid), true };
	unsigned int repeats = 0, n = 0;
	bool called;

	while (n < cap) {
		moments[n++] = at;
		called = is_system_call(pid, at.address);
		if (!one_step(pid, &at.address, &repeats))
			break;
		at.new = remains_changed(remains) || called;
	}
	return n;
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
