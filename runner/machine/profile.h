/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Profiles: what to boot.  They are read from the provium.toml in the working
 * directory, then those in the folders above it, then the one beside the
 * runner, which `make` writes.  The first profile of the name is used.
 *
 *	[profile.NAME]
 *	kernel = "vmlinux or bzImage"	# paths are relative to the file
 *	initrd = "…"		# unpacked after the agent's initramfs
 *	rootfs = "disk.img"	# becomes /, read-only
 *	init = "/sbin/init"	# PID 1 after the agent has started
 *	append = "…"		# extra kernel arguments
 *	machine = "microvm"	# or "q35"
 *	cpu = "-avx,+umip"	# features of QEMU's processor to remove or add
 *	modules = "folder"	# where vm:insmod(name) looks
 *	kernel_modules = "folder"	# the kernel's own modules, for insmod too
 *	debug = "folder"	# vmlinux and NAME.ko with debugging information
 *	share = "folder"	# of the host: becomes / over 9p, read-only
 */
#ifndef RUNNER_MACHINE_PROFILE_H
#define RUNNER_MACHINE_PROFILE_H

#include "runner/base/buf.h"
#include "runner/base/err.h"

struct profile {
	char *name;
	char *source;			/* path of the provium.toml that has the profile */
	char *kernel;
	char *initrd;			/* NULL: no initramfs but the agent's */
	char *rootfs;			/* NULL: none */
	char *init;			/* NULL: the agent is init */
	char *append;
	char *machine;
	char *cpu;			/* NULL: no change */
	char *modules;			/* NULL: none */
	char *kernel_modules;		/* NULL: none */
	char *debug;			/* NULL: none */
	char *share;			/* NULL: none */
};

/*
 * The profile of VMs that name none: $PROFILE, which make exports, or
 * "minimal".
 */
const char *profile_default(void);
/*
 * Appends the names of all profiles that can be found, nearest first, with ", "
 * between them.  A name that is in two files is there twice.
 */
void profile_names(struct buf *names);

void profile_init(struct profile *p);
/*
 * Loads the profile.  0; -ENOENT: no such profile (err names the known ones);
 * or -EINVAL.  The caller releases p after success only.
 */
int profile_load(struct profile *p, const char *name, struct err *err);
void profile_release(struct profile *p);

#endif
