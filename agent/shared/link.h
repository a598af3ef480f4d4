/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The link to the runner, in memory that all processes of the agent share.
 *
 * Writing takes a lock, whose word names its owner.  An executor that finds it
 * taken waits; the supervisor never waits for it: it queues what it has to
 * send, and tries again when the owner has let go, has died or has been
 * stopped.  So it always gets to reap the owner.
 *
 * Reading goes with a role.  An idle executor reads the link itself: a hop by
 * way of the supervisor would double the time of a round trip.  While the
 * executor is in a call, the supervisor may take the role (it does when the
 * call lasts).  When the executor reads a frame that is not its own, it gives
 * the role back.
 *
 * An executor can be killed at any instruction.  The kernel has then recorded
 * how many bytes of a frame it had sent (sendmmsg(2) on a socket; a port takes
 * a frame whole or not at all).  How many it had read, link_recover() sees in
 * the buffer itself: its first LINK_WINDOW_BYTES are zero wherever no bytes
 * have been read, and no byte that the runner sends is zero
 * (agent/wire/stuffing.h).
 */
#ifndef AGENT_SHARED_LINK_H
#define AGENT_SHARED_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/wire/wire.h"

#define LINK_ATOMIC_BYTES (32u << 10)
#define LINK_WINDOW_BYTES (16u << 10)	/* the part of the receive buffer that
					 * executors use */
/*
 * When an executor's call has lasted this long, the supervisor reads the link.
 */
#define LINK_TAKE_OVER_NS 25000000

/* Value of link_state.role: the supervisor reads the link. */
#define LINK_SUPERVISOR 0u
/*
 * Returns the value of link_state.role with which this channel's executor reads
 * the link.
 */
static inline uint32_t link_reader(uint32_t channel)
{
	return channel << 1;
}

/*
 * Returns the value of link_state.role with which this channel's executor is in
 * a call, after which it reads the link.
 */
static inline uint32_t link_in_call(uint32_t channel)
{
	return channel << 1 | 1;
}

/* A bit in link_state.owner: another process or thread waits for the lock. */
#define LINK_CONTENDED (1u << 31)

struct link_state {
	_Atomic uint32_t owner;		/* futex: the writer's channel + 1, or 0; LINK_CONTENDED */
	/* Futex; 1: the supervisor waits for the lock, and gets it first. */
	_Atomic uint32_t supervisor_waits;
	_Atomic uint32_t generation;	/* number of links so far */
	/* Number of the link's descriptor in the supervisor. */
	_Atomic int32_t fd;
	_Atomic uint32_t is_socket;
	/*
	 * The reader of the link: LINK_SUPERVISOR, or the value of
	 * link_reader() or link_in_call() for a channel.
	 */
	_Atomic uint32_t role;
	/*
	 * Position of the bytes held in the receive buffer: start << 32 | end.
	 */
	_Atomic uint64_t span;
	_Atomic uint32_t dirty;		/* 1: the bytes read are being zeroed */
	_Atomic uint32_t armed;		/* 1: the supervisor's timer runs */
	/* Number of calls begun by executors that read the link. */
	_Atomic uint32_t calls;
};

struct link {
	int fd;				/* this process's descriptor, or -1 */
	struct link_state *state;	/* shared */
	uint8_t *in;			/* shared: frames being received */
	bool greeted;			/* hello has been answered */
};

/* Maps the shared part; fd is -1 afterwards.  0 or -ENOMEM. */
int link_init(struct link *link);
/*
 * Takes over the descriptor of a new link, and closes that of the previous one.
 */
void link_attach(struct link *link, int fd);
void link_detach(struct link *link);
/*
 * Reads the bytes that have arrived into the receive buffer.  The caller must
 * have the role.  An executor reads only into the first LINK_WINDOW_BYTES of
 * the buffer: -ENOBUFS when these are full.  Returns the number of bytes read;
 * 0 at the link's end; -EAGAIN; -errno.
 */
ssize_t link_fill(struct link *link, bool executor);
/*
 * Decodes the header of the first frame in the receive buffer.  1 if the frame
 * is complete, 0 if bytes of it have not arrived yet, -EBADMSG.
 */
int link_peek(struct link *link, struct wire_header *hdr);
/* Writes the first n bytes of that frame's payload to dest. */
void link_payload(struct link *link, uint8_t *dest, size_t n);
/* Drops the first frame from the receive buffer. */
void link_drop(struct link *link, const struct wire_header *hdr);
/*
 * Makes the first LINK_WINDOW_BYTES of the receive buffer all zeros, before an
 * executor gets the role of reading.  False if the buffer still has bytes that
 * must be handled first.
 */
bool link_make_clean(struct link *link);
/* Determines which bytes an executor had read when it was killed. */
void link_recover(struct link *link);

/* Takes the lock if it is free, else marks it as contended. */
bool link_try_lock(struct link_state *state, uint32_t channel);
/*
 * Waits until the lock is free and the supervisor does not want it, and takes
 * it.  The supervisor must not call this function.
 */
void link_lock(struct link_state *state, uint32_t channel);
/*
 * Returns true if the lock was contended: the supervisor may be waiting for it
 * and must be woken.
 */
bool link_unlock(struct link_state *state);
/* Makes channel `to` the owner of the lock that channel `from` has. */
void link_pass_lock(struct link_state *state, uint32_t from, uint32_t to);
/* Returns the channel that has the lock, or -1. */
int64_t link_lock_owner(struct link_state *state);

#endif
