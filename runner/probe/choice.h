/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chooses the accelerator and the transport of a profile's VMs.
 *
 * The choice depends on $ACCEL, on $TRANSPORT, and on the probe, which runs
 * once and leaves a record.  A probe of a busy machine is repeated when the
 * machine is less busy: otherwise all time limits would get too large a factor
 * until the host reboots.
 */
#ifndef RUNNER_PROBE_CHOICE_H
#define RUNNER_PROBE_CHOICE_H

#include "runner/base/err.h"
#include "runner/machine/accel.h"

/*
 * Reads $ACCEL (auto, the default, kvm or tcg) and $TRANSPORT (auto, the
 * default, vsock or serial), and fills in accel from the record or from a
 * probe.  0; -EINVAL (ERR_USER): an unknown word; -ENODEV (ERR_BROKEN): the
 * accelerator or transport that was asked for does not work here; -EINTR; or
 * profile_load()'s error.  It is no error if the kernel boots nowhere: the
 * first boot will report that.
 */
int choice_make(const char *profile, struct accel *accel, struct err *err);
/*
 * Removes the record of the probe, so that the next choice_make() probes again.
 */
void choice_forget(const char *profile);

#endif
