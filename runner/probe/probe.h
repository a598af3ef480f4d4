/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probe: boots a profile's kernel to find out which accelerator and
 * transport work here, and how slow the machine is.
 *
 * An open /dev/kvm proves nothing: KVM can be present and fail.  A KVM that
 * hangs costs the probe its time limit; one that is slower than emulation is
 * not chosen.  vsock counts as working when the kernel has answered on it.
 */
#ifndef RUNNER_PROBE_PROBE_H
#define RUNNER_PROBE_PROBE_H

#include <stdbool.h>

#include "runner/machine/accel.h"

/* What the user asks for; 0 for either member means auto. */
struct probe_request {
	enum accel_kind kind;
	enum transport transport;
};

/*
 * Fills in accel.  Where nothing boots, accel->kind is ACCEL_TCG, its transport
 * TRANSPORT_UNSET and transport_reason says why.  False: the result must not be
 * kept, because nothing has booted and the reason may be gone next time.
 */
bool probe_run(const char *profile, const struct probe_request *request,
	       struct accel *accel);
/* The factor for time limits on a machine that boots in so many seconds. */
double probe_slowness(double boot_seconds);

#endif
