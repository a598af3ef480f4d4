// SPDX-License-Identifier: GPL-2.0-only
/* Measures the frequency of the host's time stamp counter; see tsc.h. */
#include <x86intrin.h>

#include "runner/base/deadline.h"
#include "runner/probe/tsc.h"

#define SPAN_NS 10000000
#define NR_READINGS 16

/*
 * Reads both clocks at the same moment.  Takes the shortest of several
 * readings, in which no interrupt and no other task came between the two
 * clocks.
 */
static void read_clocks(int64_t *ns, uint64_t *tsc)
{
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < NR_READINGS; i++) {
		uint64_t before = __rdtsc();
		int64_t now = clock_ns();
		uint64_t ticks = __rdtsc() - before;

		if (ticks >= shortest)
			continue;
		shortest = ticks;
		*tsc = before + ticks / 2;
		*ns = now;
	}
}

uint32_t tsc_measure_khz(void)
{
	int64_t start_ns = 0, end_ns = 0;
	uint64_t first = 0, last = 0;

	read_clocks(&start_ns, &first);
	while (clock_ns() - start_ns < SPAN_NS)
		;
	read_clocks(&end_ns, &last);
	return (uint32_t)((double)(last - first) * 1e6 / (double)(end_ns - start_ns));
}
