/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a keeper, or a test that runs, and its clients tell each other: packets
 * of JSON, some with a descriptor (unix(7), SCM_RIGHTS).
 *
 *	{"op": "info"}				answer: the description of the kept
 *						VM; {"vms"} of a test: those of
 *						its VMs
 *	{"op": "gdb"}, a listening socket	answer: {}, once QEMU's gdb stub
 *						listens; it does until the client
 *						closes the connection
 *	{"op": "shell", "vm", "prompt", "term", "lang"}, a terminal
 *						vm: its number in the test.
 *						Answer at the end: {"code"}, or
 *						{"left"} after Ctrl-] q.  Meanwhile
 *						any packet says that the window's
 *						size has changed
 *
 * Any answer can be {"error": message} instead.
 */
#ifndef RUNNER_ATTACH_MESSAGE_H
#define RUNNER_ATTACH_MESSAGE_H

#include <jansson.h>

/* The names of the sockets (runner/base/hidden_socket.h). */
#define ATTACH_SOCKET "attach"		/* of a keeper */
#define RUNNING_SOCKET "running"	/* of a test that runs */

/*
 * Sends the message, which it releases, and the descriptor fd, -1 for none.
 * Does not block.  0 or -errno.
 */
int message_send(int to, json_t *message, int fd);
/*
 * Receives one packet.  *fd is the descriptor that came with it, or -1.  The
 * caller owns both.  NULL at the end of the connection, or if it is no JSON
 * object.
 */
json_t *message_receive(int from, int *fd);

#endif
