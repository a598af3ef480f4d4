/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a VM runs on this host: the accelerator, the transport, and what was
 * measured.  runner/probe/ finds it out.
 */
#ifndef RUNNER_MACHINE_ACCEL_H
#define RUNNER_MACHINE_ACCEL_H

#include <stdint.h>

struct accel {
	char kind[8];			/* "kvm" or "tcg" */
	char link[8];			/* "vsock" or "serial" (also: "") */
	char reason[512];		/* for the choice of kind */
	char link_reason[256];		/* for the choice of link */
	double slowness;		/* factor for time limits, 1 or more */
	uint32_t tsc_khz;		/* of the host; 0: unknown */
};

#endif
