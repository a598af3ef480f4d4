/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fork server: a QEMU that is loaded and linked but does not begin to run.
 * Forking it saves each further QEMU 12 of the 20 milliseconds of its start.
 * The fork server is optional: where it does not work (another libc, a script
 * in place of QEMU, LD_PRELOAD set by the user), QEMU is executed as usual.
 */
#ifndef RUNNER_QEMU_FORKSERVER_CLIENT_H
#define RUNNER_QEMU_FORKSERVER_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Starts a QEMU as proc_start() does, as a child of this process.  Returns its
 * pid; or -errno if no process was started.  Uses the fork server from the
 * process's second QEMU on.
 */
pid_t forkserver_spawn(char *const argv[], const int *fds, size_t nr_fds, int err_fd);
/*
 * Ends the fork server, if there is one.  Without this call it ends shortly
 * after this process.
 */
void forkserver_stop(void);

#endif
