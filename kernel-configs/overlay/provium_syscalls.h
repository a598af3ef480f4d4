/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls PROVIUM_FIRST to PROVIUM_LAST: modules register what they do. */
#ifndef _LINUX_PROVIUM_SYSCALLS_H
#define _LINUX_PROVIUM_SYSCALLS_H

#include <linux/types.h>

struct module;

#define PROVIUM_FIRST 1000
#define PROVIUM_LAST  1063

struct provium_syscall {
	unsigned int nr;
	const char *name;
	long (*call)(const unsigned long args[6]);
	struct module *owner;
};

/*
 * provium_syscalls_register() - from its return on, tasks may be in these calls
 *
 * Registers all of the @n calls or none of them.  -EINVAL: a number is out of
 * range, or is in @calls twice.  -EBUSY: a module has registered one of them.
 * @calls must stay until they are unregistered.
 *
 * While a task is in a call its owner is pinned: rmmod says EAGAIN.  A module
 * registers as the last step of its init, since nothing pins a module whose
 * init fails.
 */
int provium_syscalls_register(const struct provium_syscall *calls, size_t n);

/*
 * provium_syscalls_unregister() - for the module's exit, as its first step
 *
 * The calls return -ENOSYS again.  Once this function returns, no task is about
 * to enter one of them.  May sleep.
 */
void provium_syscalls_unregister(const struct provium_syscall *calls, size_t n);

#endif
