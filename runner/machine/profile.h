/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Profiles: what to boot.  Read from provium.toml, looked for from the working
 * directory upwards, then beside the runner (the ones `make` has built).
 *
 *	[profile.NAME]
 *	kernel = "vmlinux or bzImage"	# paths are relative to the file
 *	initrd = "…"		# the user's own, chained behind the agent's shim
 *	rootfs = "disk.img"	# becomes /, never written
 *	init = "/sbin/init"	# PID 1 after the agent has started
 *	append = "…"		# extra kernel arguments
 *	machine = "microvm"	# or "q35"
 *	cpu = "-avx,+umip"	# features of QEMU's processor, left out or added
 *	modules = "folder"	# where vm:insmod(name) looks
 *	share = "folder"	# of the host: becomes / over 9p, never written
 */
#ifndef RUNNER_MACHINE_PROFILE_H
#define RUNNER_MACHINE_PROFILE_H

#include "runner/base/err.h"

struct profile {
	char *name;
	char *source;			/* the provium.toml it came from */
	char *kernel;
	char *initrd;			/* NULL: the shim alone */
	char *rootfs;			/* NULL: none */
	char *init;			/* NULL: the agent is init */
	char *append;
	char *machine;
	char *cpu;			/* NULL: as it is */
	char *modules;			/* NULL: none */
	char *share;			/* NULL: none */
};

void profile_init(struct profile *p);
/* 0; -ENOENT (no such profile; err names those there are) or -EINVAL. */
int profile_load(struct profile *p, const char *name, struct err *err);
void profile_release(struct profile *p);

#endif
