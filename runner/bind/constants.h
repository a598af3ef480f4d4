/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of provium.const.  There are two tables because one file cannot
 * include both the kernel's own headers and libc's: both declare sigset_t and
 * struct timespec.
 */
#ifndef RUNNER_BIND_CONSTANTS_H
#define RUNNER_BIND_CONSTANTS_H

struct constant {
	const char *name;
	long long value;
};

/* Each table ends with a row whose name is NULL. */
extern const struct constant constants_uapi[], constants_libc[];

#endif
