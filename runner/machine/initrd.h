/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The initramfs of one boot: the agent's own ("the shim"), the profile's
 * initrd, and the files of vm:boot{files=}.
 */
#ifndef RUNNER_MACHINE_INITRD_H
#define RUNNER_MACHINE_INITRD_H

#include "runner/base/err.h"
#include "runner/machine/options.h"
#include "runner/machine/profile.h"

/*
 * Makes the archive, and writes into `path` the path under which QEMU can open
 * it.  *fd is -1 if the shim alone is enough.  Otherwise it is a descriptor
 * that QEMU must inherit under the same number and that the caller closes.  0,
 * or -errno with err filled (and *fd -1).
 */
int initrd_open(const struct profile *profile, const struct vm_opts *opts,
		int *fd, char *path, size_t cap, struct err *err);

#endif
