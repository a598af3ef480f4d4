/* SPDX-License-Identifier: GPL-2.0-only */
/* The initramfs of one boot: the shim, the user's own, and boot{files=}. */
#ifndef RUNNER_MACHINE_INITRD_H
#define RUNNER_MACHINE_INITRD_H

#include "runner/base/err.h"
#include "runner/machine/options.h"
#include "runner/machine/profile.h"

/*
 * path names the archive as a QEMU child will see it.  *fd is -1 when that is
 * the shim's own file, else a descriptor to pass on under its number and then
 * close.  0 or -errno with err filled (and *fd -1).
 */
int initrd_open(const struct profile *profile, const struct vm_opts *opts,
		int *fd, char *path, size_t cap, struct err *err);

#endif
