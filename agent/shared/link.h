/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The link to the runner, in memory that all processes of the agent share.
 *
 * Writing takes a lock.  A frame of up to LINK_ATOMIC_BYTES is one write(2),
 * which the virtio-serial driver takes whole; so a writer that dies leaves no
 * half frame.
 *
 * Reading goes with a role.  An idle executor reads the link itself: a hop by
 * way of the supervisor would double the time of a round trip.  While the
 * executor is in a call, the supervisor may take the role (it does when the
 * call lasts).  When the executor reads a frame that is not its own, it gives
 * the role back.
 *
 * An executor can be killed at any instruction.  link_recover() then finds the
 * bytes it had read in the buffer itself: the first LINK_WINDOW_BYTES hold a
 * known pattern wherever no bytes were read, and span and dirty change in an
 * order that leaves no doubt.
 */
#ifndef AGENT_SHARED_LINK_H
#define AGENT_SHARED_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/wire/wire.h"

#define LINK_ATOMIC_BYTES (32u << 10)
#define LINK_WINDOW_BYTES (16u << 10)	/* an executor reads into these only */
/* When a call has lasted that long, the supervisor reads the link. */
#define LINK_TAKE_OVER_NS 25000000

/* Values of link_state.role: the supervisor reads, … */
#define LINK_SUPERVISOR 0u
/* … or that channel's executor reads, … */
static inline uint32_t link_reader(uint32_t channel)
{
	return channel << 1;
}

/* … or that channel's executor is in a call and will read after it. */
static inline uint32_t link_in_call(uint32_t channel)
{
	return channel << 1 | 1;
}

struct link_state {
	_Atomic uint32_t owner;		/* the writer's channel + 1, or 0 */
	_Atomic uint32_t waiters;	/* for owner to become 0 */
	_Atomic uint32_t generation;	/* counts the links there were */
	_Atomic int32_t fd;		/* the link's descriptor in the supervisor */
	_Atomic uint32_t role;		/* LINK_SUPERVISOR, link_reader(), link_in_call() */
	_Atomic uint64_t span;		/* bytes held: start << 32 | end */
	_Atomic uint32_t dirty;		/* 1: the pattern is being put back */
	_Atomic uint32_t armed;		/* 1: the supervisor's timer runs */
	_Atomic uint32_t calls;		/* begun by executors that read the link */
};

struct link {
	int fd;				/* this process's descriptor, or -1 */
	struct link_state *state;	/* shared */
	uint8_t *in;			/* shared: frames being received */
	bool greeted;			/* hello has been answered */
};

/* Maps the shared part; fd is -1 afterwards.  0 or -ENOMEM. */
int link_init(struct link *link);
/* Takes fd over and closes the descriptor before it. */
void link_attach(struct link *link, int fd);
void link_detach(struct link *link);
/*
 * Reads what has arrived; the caller has the role.  An executor reads into the
 * first LINK_WINDOW_BYTES only: -ENOBUFS when these are full.  The number of
 * bytes read; 0 at the link's end; -EAGAIN; -errno.
 */
ssize_t link_fill(struct link *link, bool executor);
/*
 * The first complete frame received: 1, with its header and payload, which stay
 * valid until link_drop().  0: it is not complete yet.  -EBADMSG.
 */
int link_peek(struct link *link, struct wire_header *hdr, const uint8_t **payload);
/* Forgets the first frame. */
void link_drop(struct link *link, const struct wire_header *hdr);
/* Puts the whole pattern back, before an executor gets the role.  False if bytes
 * are left that somebody has to deal with first. */
bool link_make_clean(struct link *link);
/* Accounts for the bytes that an executor had read when it was killed. */
void link_recover(struct link *link);
void link_lock(struct link_state *state, uint32_t channel);
void link_unlock(struct link_state *state);
/* Writes all n bytes, however long that takes.  0 or -errno. */
int link_write(int fd, const void *p, size_t n);
/* Locks, writes one frame of the supervisor's, unlocks. */
void link_send(struct link *link, const struct wire_header *hdr,
	       const struct wire_desc *desc, const void *msg);

#endif
