/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A listening socket without a name in the file system: it is reached through
 * /proc/PID/fd/N of a process that has it open, which only processes of the
 * same user (and root) can read.  So no file is left, however the process ends.
 */
#ifndef RUNNER_BASE_HIDDEN_SOCKET_H
#define RUNNER_BASE_HIDDEN_SOCKET_H

/*
 * Opens a hidden socket.  type: SOCK_STREAM or SOCK_SEQPACKET.  name: a word by
 * which hidden_socket_find() knows the socket.  *listener is for accept(2);
 * *path has been opened with O_PATH: its /proc/PID/fd/N is an address for
 * connect(2).  Both are close-on-exec.  0 or -errno.
 */
int hidden_socket_open(const char *name, int type, int *listener, int *path);
/*
 * Connects to the socket of that name that process pid has open.  The
 * descriptor, or -errno: -ENOENT if the process has none.
 */
int hidden_socket_connect(const char *name, int type, int pid);

#endif
