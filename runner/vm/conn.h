/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection to the agent: frames in both directions over a stream socket.
 */
#ifndef RUNNER_VM_CONN_H
#define RUNNER_VM_CONN_H

#include <stdbool.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

struct conn {
	int fd;				/* -1: closed; owned */
	struct buf in;
	struct buf out;			/* bytes that the socket has not accepted yet */
};

void conn_init(struct conn *c);
/* Takes fd over and makes it non-blocking. */
void conn_open(struct conn *c, int fd);
/* Queues one frame and writes as much as the socket accepts.  0 or -errno. */
int conn_send(struct conn *c, const struct wire_header *hdr, const void *payload);
/* Writes more of the queue; call it on POLLOUT.  0 or -errno. */
int conn_flush(struct conn *c);
/* Returns true if the queue is not empty: then poll for POLLOUT. */
bool conn_wants_out(const struct conn *c);
/*
 * Reads what has arrived, without waiting.  0; -EPIPE: the other end is closed.
 */
int conn_feed(struct conn *c);
/*
 * Gets the first frame that has arrived.  Returns 1 with *hdr and *payload,
 * which is valid until conn_drop(); 0 if there is no complete frame yet;
 * -EBADMSG with err filled.
 */
int conn_peek(struct conn *c, struct wire_header *hdr, const uint8_t **payload,
	      struct err *err);
/* Removes the frame that conn_peek() returned. */
void conn_drop(struct conn *c, const struct wire_header *hdr);
void conn_release(struct conn *c);

#endif
