/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which accelerator and transport a profile runs on, according to $ACCEL, to
 * $TRANSPORT, and to the probe, which runs once and leaves a record.  A probe
 * of a busy machine is repeated when the machine is not so busy any more: it
 * would give all time limits too large a factor until the host reboots.
 */
#ifndef RUNNER_PROBE_CHOICE_H
#define RUNNER_PROBE_CHOICE_H

#include "runner/base/err.h"
#include "runner/machine/accel.h"

/*
 * Reads $ACCEL (auto, the default, kvm or tcg) and $TRANSPORT (auto, the
 * default, vsock or serial), and fills in accel from the record or from a
 * probe.  0; -EINVAL (ERR_USER): another word; -ENODEV (ERR_BROKEN): the
 * accelerator or transport that was asked for does not work here; -EINTR; or
 * profile_load()'s error.  A kernel that boots nowhere is no error: the first
 * boot will report it.
 */
int choice_make(const char *profile, struct accel *accel, struct err *err);
/* Removes the record: the next choice_make() probes again. */
void choice_forget(const char *profile);

#endif
