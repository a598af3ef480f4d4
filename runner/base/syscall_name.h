/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of x86-64 system calls. */
#ifndef RUNNER_BASE_SYSCALL_NAME_H
#define RUNNER_BASE_SYSCALL_NAME_H

#include <stddef.h>

struct syscall_row {
	const char *name;
	int value;
};

/*
 * All system calls, *nr of them.  If a number has two names, the first one is
 * the usual one.
 */
const struct syscall_row *syscall_rows(size_t *nr);
/* Returns the name of the call with that number, or NULL. */
const char *syscall_name(long long nr);

#endif
