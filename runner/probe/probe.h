/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probe boots a profile's kernel to find out which accelerator and
 * transport work on this machine, and how slow the machine is.
 *
 * The probe must boot, because KVM can fail although /dev/kvm can be opened.
 * KVM that hangs costs the probe its time limit; KVM that is slower than
 * emulation is not chosen.  vsock counts as working if the agent has answered
 * on it.
 */
#ifndef RUNNER_PROBE_PROBE_H
#define RUNNER_PROBE_PROBE_H

#include <stdbool.h>

#include "runner/machine/accel.h"

/* The user's choice; 0 for a member means auto. */
struct probe_request {
	enum accel_kind kind;
	enum transport transport;
};

/*
 * Fills in accel.  If no VM booted, accel->kind is ACCEL_TCG, its transport is
 * TRANSPORT_UNSET and transport_reason says why.  Returns false if the result
 * must not be recorded, because no VM booted and the cause may be gone next
 * time.
 */
bool probe_run(const char *profile, const struct probe_request *request,
	       struct accel *accel);
/*
 * Returns the factor for time limits on a machine that boots in boot_seconds.
 */
double probe_slowness(double boot_seconds);

#endif
