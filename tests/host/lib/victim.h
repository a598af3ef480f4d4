/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A victim: a process that is stepped through its instructions, and killed at
 * one of them.
 */
#ifndef TESTS_HOST_LIB_VICTIM_H
#define TESTS_HOST_LIB_VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/host/lib/remains.h"

/* A moment at which a victim can be killed: before the instruction there. */
struct moment {
	unsigned long long address;
	/*
	 * A kill at this moment leaves something that a kill one step earlier
	 * does not: the instruction before was a system call, or changed shared
	 * memory.
	 */
	bool new;
};

/* To be called before the first victim: sets up SIGALRM, which limits waits. */
void victim_init(void);
/*
 * Waits until the victim sleeps in that system call.  Returns false if it does
 * not in time.
 */
bool victim_await_sleep(pid_t pid, long nr);
/* Stops the victim at any point.  Returns false on failure. */
bool victim_seize(pid_t pid);
/*
 * Steps the victim k times, and stores its address in *ip.  Returns false if it
 * sleeps in a system call, or has ended, before that.  A string instruction is
 * stepped a few times, then run to its end.
 */
bool victim_step(pid_t pid, unsigned int k, unsigned long long *ip);
/*
 * Steps the victim until it sleeps, and stores the moment before each step.
 * Returns their number, at most cap.
 */
unsigned int victim_trace(pid_t pid, struct remains *remains, struct moment *moments,
			  unsigned int cap);
/*
 * With SIGKILL: kills the victim and waits for its end.  Otherwise delivers the
 * signal and detaches.
 */
void victim_strike(pid_t pid, int sig);

#endif
