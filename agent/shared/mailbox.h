/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mailbox of a channel: the request in hand, its reply, and everything that
 * the supervisor has to know of the executor if that one is killed.
 */
#ifndef AGENT_SHARED_MAILBOX_H
#define AGENT_SHARED_MAILBOX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/wire/wire.h"

/*
 * A request can be posted when the mailbox is idle or replying: the runner may
 * send the next request before the executor is back from writing its reply.  An
 * executor that dies while replying may have replied; the supervisor answers
 * again, and the runner drops the second answer.
 */
enum box_state { BOX_IDLE, BOX_BUSY, BOX_REPLYING };

enum box_life {
	LIFE_NONE,			/* the channel is free */
	LIFE_STARTING,			/* the executor is making this worker */
	LIFE_ON,
	LIFE_OVER,			/* ended; the roster has its death report */
};

/* Ends one thread of a process; the last signal there is (signal(7)). */
#define THREAD_END_SIGNAL 64

/*
 * Where the two sides of a race meet (race.h).  A side's mark is the race's
 * number << 32 | how many meetings it has reached; RACE_OVER when it has left.
 */
#define RACE_OVER 0xffffffffu

struct meeting {
	_Atomic uint64_t mark[2];
	_Atomic uint32_t bell[2];	/* futex: counts a side's marks, is never reset */
	_Atomic uint32_t asleep[2];	/* 1: that side sleeps on the other's bell */
};

struct mailbox {
	_Atomic uint32_t life;		/* enum box_life */
	_Atomic int32_t pid;		/* of the executor's process, or 0 */
	_Atomic int32_t tid;		/* of its thread; pid, unless it is a thread worker */
	_Atomic uint32_t thread;	/* 1: a thread worker */
	_Atomic uint32_t doorbell;	/* futex: counts posts and changes of the role */
	_Atomic uint32_t posted;	/* requests that the supervisor has put here */
	_Atomic uint32_t no_role;	/* 1: this executor cannot read the link */
	_Atomic uint32_t filtered;	/* 1: seccomp might kill it for a system call of ours */
	_Atomic uint32_t busy;		/* enum box_state */
	_Atomic uint32_t deferred;	/* futex; 1: the supervisor has to send `out` */
	_Atomic uint32_t deferred_from;	/* first byte of `out` that was not sent */
	_Atomic int32_t command;	/* process group of a running exec, or 0 */
	_Atomic uint32_t race;		/* number of the race it takes part in, or 0 */
	_Atomic uint32_t race_at;	/* that race's holder << 1 | this side */
	_Atomic uint32_t alive;		/* a thread's: the kernel marks it at its end, */
	struct robust_list_head robust;	/* as it does a robust mutex */
	struct robust_list robust_entry;
	struct meeting meeting;		/* of races that this channel holds */
	struct mmsghdr message;		/* of sendmmsg(2): the kernel notes how much was sent */
	struct iovec message_bytes;
	struct wire_header req;		/* the request in hand */
	uint8_t *in;			/* its payload: WIRE_MAX bytes */
	uint8_t *out;			/* the frame being sent: FRAME_MAX bytes */
};

/* Makes it the mailbox of an executor that has nothing to do yet. */
void mailbox_reset(struct mailbox *box, bool no_role);

static inline bool mailbox_thread_ended(const struct mailbox *box)
{
	return atomic_load(&box->alive) & FUTEX_OWNER_DIED;
}

/* Has the executor look at its mailbox and at the role. */
void mailbox_ring(struct mailbox *box);

#endif
