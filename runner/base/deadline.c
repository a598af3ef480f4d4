// SPDX-License-Identifier: GPL-2.0-only
/* Turns durations into points in time.  No other file does. */
#include <limits.h>
#include <time.h>

#include "runner/base/deadline.h"

int64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

uint64_t clock_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int64_t deadline_in(double seconds)
{
	if (seconds > 1e9)
		return DEADLINE_NEVER;
	return clock_ns() + (int64_t)(seconds * 1e9);
}

int deadline_poll_ms(int64_t deadline_ns)
{
	int64_t left;

	if (deadline_ns == DEADLINE_NEVER)
		return -1;
	left = (deadline_ns - clock_ns() + 999999) / 1000000;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

double seconds_since(int64_t start_ns)
{
	return (double)(clock_ns() - start_ns) / 1e9;
}
