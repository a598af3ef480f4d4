/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of x86-64 system calls. */
#ifndef RUNNER_BASE_SYSCALL_NAME_H
#define RUNNER_BASE_SYSCALL_NAME_H

/* Returns the name of the call with that number, or NULL. */
const char *syscall_name(long long nr);

#endif
