/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mailbox of a channel: the current request, its reply, and everything that
 * the supervisor must know about the executor if the executor is killed.
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
 * send the next request before the executor has returned from writing its
 * reply.  An executor that dies while replying may have sent its reply; the
 * supervisor answers again, and the runner drops the second answer.
 */
enum box_state { BOX_IDLE, BOX_BUSY, BOX_REPLYING };

enum box_life {
	LIFE_NONE,			/* the channel is free */
	LIFE_STARTING,			/* another executor is creating this worker */
	LIFE_ON,
	LIFE_OVER,			/* the executor has ended; the roster
					 * has its death report */
};

/*
 * The signal that ends one thread of a process; the last signal number
 * (signal(7)).
 */
#define THREAD_END_SIGNAL 64

/*
 * The place where the two sides of a race meet (race.h).  A side's mark is the
 * race's number << 32 | the number of meetings it has reached; RACE_OVER when
 * it has left.
 */
#define RACE_OVER 0xffffffffu

struct meeting {
	_Atomic uint64_t mark[2];
	_Atomic uint32_t bell[2];	/* futex: counts a side's marks; never reset */
	/*
	 * 1: the executor of that side sleeps until the other side's bell
	 * rings.
	 */
	_Atomic uint32_t asleep[2];
};

struct mailbox {
	_Atomic uint32_t life;		/* enum box_life */
	_Atomic int32_t pid;		/* pid of the executor's process, or 0 */
	/*
	 * tid of the executor's thread; equal to pid, unless this is a thread
	 * worker.
	 */
	_Atomic int32_t tid;
	_Atomic uint32_t thread;	/* 1: a thread worker */
	/*
	 * Channel of the executor that creates this worker, until its reply has
	 * been sent; or 0.
	 */
	_Atomic uint32_t starter;
	_Atomic uint32_t doorbell;	/* futex: counts requests posted and
					 * changes of the reading role */
	/* Number of requests that the supervisor has put into this mailbox. */
	_Atomic uint32_t posted;
	_Atomic uint32_t no_role;	/* 1: this executor cannot read the link */
	/*
	 * 1: a seccomp filter might kill the executor for a system call of the
	 * agent.
	 */
	_Atomic uint32_t filtered;
	_Atomic uint32_t busy;		/* enum box_state */
	_Atomic uint32_t deferred;	/* futex; 1: the supervisor must send `out` */
	_Atomic uint32_t deferred_from;	/* first byte of `out` that was not sent */
	_Atomic int32_t command;	/* process group of a running exec, or 0 */
	/* Number of the race in which the executor takes part, or 0. */
	_Atomic uint32_t race;
	_Atomic uint32_t race_at;	/* the holder of that race << 1 | this
					 * executor's side */
	/*
	 * A robust mutex that a thread worker holds: the kernel sets
	 * FUTEX_OWNER_DIED in it at the thread's end.
	 */
	_Atomic uint32_t alive;
	struct robust_list_head robust;	/* the kernel's list of robust mutexes,
					 * with `alive` in it */
	struct robust_list robust_entry;
	struct meeting meeting;		/* where sides meet in races that this
					 * channel holds */
	/*
	 * The kernel notes in these how much of `out` was sent: the argument of
	 * sendmmsg(2), and the offset for sendfile(2).
	 */
	struct mmsghdr message;
	off_t file_sent;
	struct iovec message_bytes;
	struct wire_header req;		/* the current request */
	uint8_t *in;			/* payload of the current request: WIRE_MAX bytes */
	uint8_t *out;			/* the frame being sent: FRAME_MAX bytes */
};

/*
 * Makes the mailbox that of a new executor that has no request.  no_role: the
 * executor cannot read the link.
 */
void mailbox_reset(struct mailbox *box, bool no_role);

static inline bool mailbox_thread_ended(const struct mailbox *box)
{
	return atomic_load(&box->alive) & FUTEX_OWNER_DIED;
}

/* Notes that no byte of the frame in `out` has been sent. */
static inline void mailbox_unsent(struct mailbox *box)
{
	box->message.msg_len = 0;
	box->file_sent = 0;
}

/*
 * Returns how many bytes of `out` the executor has sent; 0 for a write(2) to a
 * port, of which nothing is known.
 */
static inline size_t mailbox_sent(const struct mailbox *box)
{
	return box->message.msg_len + (size_t)box->file_sent;
}

/*
 * Wakes the executor, which then looks for a request in its mailbox and for the
 * role of reading the link.
 */
void mailbox_ring(struct mailbox *box);

#endif
