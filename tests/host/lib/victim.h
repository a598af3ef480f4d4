/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A victim: a process that is stepped through its instructions, and killed at
 * one of them.
 */
#ifndef TESTS_HOST_LIB_VICTIM_H
#define TESTS_HOST_LIB_VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

/* To be called before the first victim: sets up SIGALRM, which limits waits. */
void victim_init(void);
/* Stops the victim at any point.  Returns false on failure. */
bool victim_seize(pid_t pid);
/*
 * Steps the victim k times, and stores its address in *ip.  Returns false if it
 * sleeps in a system call, or has ended, before that.  A string instruction is
 * stepped a few times, then run to its end.
 */
bool victim_step(pid_t pid, unsigned int k, unsigned long long *ip);
/*
 * Runs the victim to the address, with a breakpoint that its children must not
 * meet.  Returns false if it sleeps or ends before.
 */
bool victim_run_to(pid_t pid, unsigned long long at);
/*
 * Steps the victim until it sleeps, and stores the address of each step.
 * Returns their number, at most cap.
 */
unsigned int victim_trace(pid_t pid, unsigned long long *addresses, unsigned int cap);
/*
 * With SIGKILL: kills the victim and waits for its end.  Otherwise delivers the
 * signal and detaches.
 */
void victim_strike(pid_t pid, int sig);

#endif
