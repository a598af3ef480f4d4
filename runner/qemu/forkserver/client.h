/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMUs without the time that a QEMU needs to be loaded and linked (12 of 20
 * milliseconds): one is kept that has done that, and others are forked from it.
 *
 * It is a help, never a need: where it cannot be had (another libc, a script in
 * QEMU's place, a preload of the user's own), QEMU is executed as usual.
 */
#ifndef RUNNER_QEMU_FORKSERVER_CLIENT_H
#define RUNNER_QEMU_FORKSERVER_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * As proc_start(), whose child it becomes: its pid; or -errno, and nothing was
 * started.  From a process's second QEMU on: most have one only.
 */
pid_t forkserver_spawn(char *const argv[], const int *fds, size_t nr_fds, int err_fd);
/* Before the process ends (it would die with it, a moment later).  Safe always. */
void forkserver_stop(void);

#endif
