/* SPDX-License-Identifier: GPL-2.0-only */
/* The link to the agent: frames out, frames in, over a stream socket. */
#ifndef RUNNER_VM_CONN_H
#define RUNNER_VM_CONN_H

#include <stdbool.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

struct chan {
	int fd;				/* -1: closed; owned */
	struct buf in;
	struct buf out;			/* what the socket has not taken yet */
};

void chan_init(struct chan *c);
/* Takes fd over and makes it non-blocking. */
void chan_open(struct chan *c, int fd);
/* Queues one frame and writes what can be written now.  0 or -errno. */
int chan_send(struct chan *c, const struct wire_header *hdr, const void *payload);
/* Writes on; for POLLOUT.  0 or -errno. */
int chan_flush(struct chan *c);
bool chan_wants_out(const struct chan *c);
/* Reads what is there.  0; -EPIPE: the other end is gone. */
int chan_feed(struct chan *c);
/*
 * The first complete frame: 1, with payload valid until chan_drop(); 0: none
 * yet; -EBADMSG with err filled.
 */
int chan_peek(struct chan *c, struct wire_header *hdr, const uint8_t **payload,
	      struct err *err);
void chan_drop(struct chan *c, const struct wire_header *hdr);
void chan_release(struct chan *c);

#endif
