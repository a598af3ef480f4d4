/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vsock to a guest: a free CID, and the connection to the guest's agent
 * (vsock(7)).
 *
 * No event tells when a guest begins to listen, so the runner tries to connect
 * again and again.  An attempt that the guest refuses is repeated after 2 ms:
 * no socket listens yet, or the guest has just been resumed and resets its
 * transport.  An attempt that hangs is given up after a time limit: a
 * connection that is open or half open during the reset is lost without an
 * error.  So a connection counts as established only once the agent has
 * answered on it.
 */
#ifndef RUNNER_VM_VSOCK_H
#define RUNNER_VM_VSOCK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/vm/conn.h"

struct vsock {
	uint32_t cid;			/* the guest's CID; 0: the transport
					 * is serial */
	int vhost_fd;			/* reserves the CID until QEMU has
					 * it; -1: none */
	int fd;				/* the socket of the attempt in progress; -1: none */
	bool dialing;			/* the agent has not answered yet */
	int64_t wake_ns;		/* when vsock_step() must act next */
	int64_t limit_ns;		/* how long one attempt may take */
	unsigned int attempts;		/* number of attempts since vsock_dial() */
	unsigned int timeouts;		/* those given up after their time limit */
	int64_t dialed_ns;		/* when vsock_dial() was called */
	double connect_s;		/* from the first attempt to the connection */
};

void vsock_init(struct vsock *v);
/* 0 if this host has vsock; else -errno with err filled. */
int vsock_usable(struct err *err);
/*
 * Opens /dev/vhost-vsock with a free CID.  QEMU inherits vhost_fd; afterwards
 * call vsock_handed_over(), which closes it.  0 or -errno with err filled.
 */
int vsock_take_cid(struct vsock *v, struct err *err);
void vsock_handed_over(struct vsock *v);

/*
 * Begins to connect.  The first attempt is given up after limit_s; the limit
 * grows by half with each further attempt.
 */
void vsock_dial(struct vsock *v, double limit_s);
/*
 * Returns what to poll besides the connection.  Makes *deadline_ns earlier if
 * an action of this file is due before it.
 */
struct pollfd vsock_poll(const struct vsock *v, int64_t *deadline_ns);
/*
 * To be called after each poll.  While dialing, continues the attempt or begins
 * another.  Opens a connection in c, and closes it again if the agent does not
 * answer in time.
 */
void vsock_step(struct vsock *v, struct conn *c, short revents);
/*
 * To be called when the connection in c was closed while dialing.  Begins
 * another attempt.
 */
void vsock_lost(struct vsock *v, struct conn *c);
/*
 * To be called when the ready frame has arrived.  Returns the deadline for the
 * answer to hello.
 */
int64_t vsock_await_hello(struct vsock *v);
/*
 * To be called if the answer to hello did not arrive: closes the connection in
 * c and begins another attempt.
 */
void vsock_silent(struct vsock *v, struct conn *c);
/* To be called when the agent has answered: the connection is established. */
void vsock_connected(struct vsock *v);
/*
 * Shuts the connection down and waits until the guest has closed it as well,
 * because a guest that is saved must not have an open connection.  Closes c
 * even on a time-out.
 */
void vsock_hang_up(struct vsock *v, struct conn *c, int64_t deadline_ns);
void vsock_release(struct vsock *v);

#endif
