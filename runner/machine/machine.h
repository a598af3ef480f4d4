/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole description of a virtual machine.  The code in this folder starts
 * no VM.
 */
#ifndef RUNNER_MACHINE_MACHINE_H
#define RUNNER_MACHINE_MACHINE_H

#include "runner/base/err.h"
#include "runner/machine/accel.h"
#include "runner/machine/argv.h"
#include "runner/machine/options.h"
#include "runner/machine/profile.h"

struct machine {
	struct profile profile;
	struct accel accel;
	struct vm_opts opts;
};

void machine_init(struct machine *m);
void machine_release(struct machine *m);

/* Makes the profile's root file system, if it has one, the first disk. */
void machine_add_rootfs(struct machine *m);
/* Returns the kernel's command line.  The caller frees it. */
char *machine_kernel_args(const struct machine *m);
/*
 * Returns the part of QEMU's configuration that follows from m: without
 * descriptors, initramfs, kernel arguments and vsock CID.  Its strings and
 * disks belong to m.
 */
struct qemu_config machine_config(const struct machine *m);
/*
 * Returns all arguments of QEMU and of the kernel that make a difference to the
 * guest, as text.  Equal machines have equal texts: descriptors, the paths of
 * kernel and initramfs, and the measured frequency of the TSC are left out.
 * NULL with err filled; the caller frees the text.
 */
char *machine_describe(const struct machine *m, struct err *err);

#endif
