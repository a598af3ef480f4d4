/* SPDX-License-Identifier: GPL-2.0-only */
/* The link to the agent: frames out, frames in, over a stream socket. */
#ifndef RUNNER_VM_CONN_H
#define RUNNER_VM_CONN_H

#include <stdbool.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

struct conn {
	int fd;				/* -1: closed; owned */
	struct buf in;
	struct buf out;			/* what the socket has not taken yet */
};

void conn_init(struct conn *c);
/* Takes fd over and makes it non-blocking. */
void conn_open(struct conn *c, int fd);
/* Queues one frame and writes what can be written now.  0 or -errno. */
int conn_send(struct conn *c, const struct wire_header *hdr, const void *payload);
/* Writes on; for POLLOUT.  0 or -errno. */
int conn_flush(struct conn *c);
bool conn_wants_out(const struct conn *c);
/* Reads what is there.  0; -EPIPE: the other end is gone. */
int conn_feed(struct conn *c);
/*
 * The first complete frame: 1, with payload valid until conn_drop(); 0: none
 * yet; -EBADMSG with err filled.
 */
int conn_peek(struct conn *c, struct wire_header *hdr, const uint8_t **payload,
	      struct err *err);
void conn_drop(struct conn *c, const struct wire_header *hdr);
void conn_release(struct conn *c);

#endif
