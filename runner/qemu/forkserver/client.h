/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fork server: a QEMU that is loaded and linked but has not begun.  Forking it
 * saves each further QEMU 12 of the 20 milliseconds of its start.
 *
 * It is optional: where it does not work (another libc, a script in place of QEMU,
 * LD_PRELOAD set by the user), QEMU is executed as usual.
 */
#ifndef RUNNER_QEMU_FORKSERVER_CLIENT_H
#define RUNNER_QEMU_FORKSERVER_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Starts a QEMU as proc_start() does, as a child of this process: its pid; or -errno,
 * and no process was started.  Works from a process's second QEMU on.
 */
pid_t forkserver_spawn(char *const argv[], const int *fds, size_t nr_fds, int err_fd);
/* Ends the server, if there is one.  Otherwise it ends a moment after this process. */
void forkserver_stop(void);

#endif
