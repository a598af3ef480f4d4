/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which accelerator to use, found out by booting the profile's kernel once,
 * and never by looking at /dev/kvm: it can be there and not work.  KVM that hangs
 * costs its time limit, once; KVM that is slower than emulation is not chosen.
 * The same for the link: vsock counts when the profile's kernel has answered on it.
 *
 * The result is kept in files_state()/accel, one file for each host boot,
 * kernel and QEMU.
 */
#ifndef RUNNER_PROBE_ACCEL_H
#define RUNNER_PROBE_ACCEL_H

#include "runner/base/err.h"
#include "runner/machine/accel.h"

/*
 * $ACCEL: auto (default), kvm or tcg; $TRANSPORT: auto (default), vsock or serial.
 * 0; -EINVAL (ERR_USER: none of the words) or -ENODEV (ERR_BROKEN: what was asked for
 * by name does not work here).  A kernel that boots on neither is no error here: the
 * boot that wants it will say so, on TCG.
 */
int accel_choose(const char *profile, struct accel *accel, struct err *err);
/* The next accel_choose() for it probes again, whatever is known. */
void accel_forget(const char *profile);

#endif
