/* SPDX-License-Identifier: GPL-2.0-only */
/* Absolute deadlines on the monotonic clock, in nanoseconds. */
#ifndef RUNNER_BASE_DEADLINE_H
#define RUNNER_BASE_DEADLINE_H

#include <stdint.h>

#define DEADLINE_NEVER INT64_MAX

int64_t clock_ns(void);
/* Returns CLOCK_REALTIME in nanoseconds. */
uint64_t clock_wall_ns(void);
/* Returns the point in time that is `seconds` from now. */
int64_t deadline_in(double seconds);
/*
 * Returns the time left until the deadline as poll(2) takes it: in ms, rounded
 * up; -1 if there is no deadline.
 */
int deadline_poll_ms(int64_t deadline_ns);
double seconds_since(int64_t start_ns);

#endif
