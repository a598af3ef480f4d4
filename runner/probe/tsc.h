/* SPDX-License-Identifier: GPL-2.0-only */
/* The frequency of the host's time stamp counter. */
#ifndef RUNNER_PROBE_TSC_H
#define RUNNER_PROBE_TSC_H

#include <stdint.h>

/*
 * Compares the counter with the monotonic clock for 10 ms.  The result is
 * accurate to 0.1 %.
 */
uint32_t tsc_measure_khz(void);

#endif
