/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MK_CONFINE_LANDLOCK_H
#define MK_CONFINE_LANDLOCK_H

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the version of the kernel's Landlock; less than 1: there is none. */
static inline long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

#endif
