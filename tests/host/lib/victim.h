/* SPDX-License-Identifier: GPL-2.0-only */
/* A process that is stepped through its instructions, and killed at one of them. */
#ifndef TESTS_HOST_LIB_VICTIM_H
#define TESTS_HOST_LIB_VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

/* Before the first victim: SIGALRM is used to limit waits. */
void victim_init(void);
/* Stops it, wherever it is.  False if that fails. */
bool victim_seize(pid_t pid);
/* Steps it k times; *ip is where it is then.  False: it sleeps in a system call,
 * or has ended, before that.  With trace, prints each address. */
bool victim_step(pid_t pid, unsigned int k, bool trace, unsigned long long *ip);
/* SIGKILL: kills it and waits for its end.  Else delivers the signal and lets go. */
void victim_strike(pid_t pid, int sig);

#endif
