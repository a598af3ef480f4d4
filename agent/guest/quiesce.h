/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prepares a guest to be saved, and adapts it after it was resumed.  It resumes
 * at another time, and in several copies, each of which needs its own random
 * numbers.
 */
#ifndef AGENT_GUEST_QUIESCE_H
#define AGENT_GUEST_QUIESCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/wire/wire.h"

/* Opens /dev/urandom.  Returns a high descriptor number, or -1. */
int quiesce_open_random(void);
/*
 * To be called before a save: writes files to disk, reseeds the kernel's random
 * number generator, marks the kernel log.  Finds the generator's addresses if
 * the request asks for them.
 */
void quiesce_guest(const struct wire_quiesce_req *q, struct wire_quiesce_rep *p,
		   int random_fd);
/* Sets CLOCK_REALTIME.  0 or -errno. */
int quiesce_set_clock(uint64_t ns);
/*
 * To be called after a resume: sets the clock and, if the request has entropy,
 * reseeds the random number generator.  0 or -errno.
 */
int quiesce_resume(const struct wire_resume_req *q, int random_fd);
/*
 * Can that process call quiesce_resume()? It needs PID 1's capabilities, and no
 * seccomp filter.
 */
bool quiesce_can_set_clock(pid_t pid);

#endif
