/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vsock to a guest: a CID that nobody else has, and the way to its agent.
 *
 * Nothing tells when a guest begins to listen, so we knock.  An attempt that the
 * guest refuses (no listener yet) is repeated soon.  One that hangs is given up
 * after a while: a guest that has been resumed resets its transport, and a
 * connection of that moment is lost without a word, be it half made or complete.
 * So a connection counts only once the agent has answered on it.
 */
#ifndef RUNNER_VM_VSOCK_H
#define RUNNER_VM_VSOCK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/vm/conn.h"

struct vsock {
	uint32_t cid;			/* of the guest; 0: it has no vsock */
	int vhost_fd;			/* holds the CID until QEMU does; -1 */
	int fd;				/* an attempt under way; -1 */
	bool dialing;			/* no answer from the agent yet */
	int64_t wake_ns;		/* then vsock_step() has something to do */
	int64_t patience_ns;		/* for the attempt under way */
	unsigned int attempts;		/* so far */
	int64_t dialed_ns;		/* when it began to look for the agent */
	double connect_s;		/* from the first attempt until connected */
};

void vsock_init(struct vsock *v);
/* 0; or -errno with err filled: why this machine has none to offer. */
int vsock_usable(struct err *err);
/*
 * Opens /dev/vhost-vsock with a CID that was free until now: vhost_fd is to be
 * handed to QEMU, and then vsock_handed_over().  0 or -errno with err filled.
 */
int vsock_take_cid(struct vsock *v, struct err *err);
void vsock_handed_over(struct vsock *v);

/* Begins to look for the agent; an attempt may take patience_s, the next ones more. */
void vsock_dial(struct vsock *v, double patience_s);
/* What to wait for, beside the connection; moves *deadline_ns nearer if need be. */
struct pollfd vsock_poll(const struct vsock *v, int64_t *deadline_ns);
/*
 * While dialing, after each poll: goes on with the attempt, or begins another.  A
 * connection is opened in c, and taken from it again when the agent keeps silent.
 */
void vsock_step(struct vsock *v, struct conn *c, short revents);
/* While dialing: the connection in c is gone.  There will be another. */
void vsock_lost(struct vsock *v, struct conn *c);
/* The agent has spoken: how long its next word may take. */
int64_t vsock_await_hello(struct vsock *v);
/* It did not come: the connection in c is a lost one. */
void vsock_silent(struct vsock *v, struct conn *c);
/* The agent has answered: this is the link now. */
void vsock_connected(struct vsock *v);
/*
 * Takes leave of the agent, and waits until the guest has seen it: no connection
 * may be open in a guest that is saved.  Closes c, in any case.
 */
void vsock_hang_up(struct vsock *v, struct conn *c, int64_t deadline_ns);
void vsock_release(struct vsock *v);

#endif
