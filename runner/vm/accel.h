/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which accelerator to use, found out by booting the profile's kernel once,
 * and never by looking at /dev/kvm: it can be there and not work.
 *
 * The result is kept in files_state()/accel, one file for each host boot,
 * kernel and QEMU.
 */
#ifndef RUNNER_VM_ACCEL_H
#define RUNNER_VM_ACCEL_H

#include "runner/base/err.h"
#include "runner/vm/vm.h"

/*
 * $ACCEL: auto (default), kvm or tcg.  0; -EINVAL (ERR_USER: $ACCEL or
 * $TRANSPORT is none of the words) or -ENODEV (ERR_BROKEN: ACCEL=kvm, and it does
 * not work).  A kernel that boots on neither is no error here: the boot that
 * wants it will say so, on TCG.
 */
int accel_choose(const char *profile, struct accel *accel, struct err *err);
/* "accel tcg: kvm probe failed: …", one line without an end of line. */
void accel_line(const struct accel *accel, char *line, size_t cap);

#endif
