/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The supervisor's state.  Its files, from the bottom up: roster, send, reply,
 * terminal, reader_role, death, thread_watch, post, abort, look,
 * supervisor_ops, supervise.  Each calls only those before it.
 */
#ifndef AGENT_SUPERVISOR_H
#define AGENT_SUPERVISOR_H

#include "agent/shared/link.h"
#include "agent/shared/shared.h"

struct supervisor_config {
	int link_fd;			/* a connected link, or -1 */
	int listen_fd;			/* a vsock listener, or -1 */
	bool guest;			/* at the end: power off the guest; else exit */
};

/*
 * The supervisor's record of a channel, in memory that no executor can write.
 */
struct roster_entry {
	char death_report[320];		/* how the channel's last executor
					 * ended; "": none has ended */
	bool watched;			/* a thread of the supervisor waits for
					 * the thread worker's end */
	bool stuck;			/* the channel's thread is given up,
					 * because it is stuck in the kernel */
	pid_t aborted;			/* the task of the channel's last call
					 * that was aborted; 0 once its end
					 * was looked at */
	uint32_t aborted_tag;		/* that call's */
	bool ending;			/* the runner waits for the worker's
					 * end: end_request is to be answered */
	struct wire_header end_request;	/* the request end_worker, while `ending` is true */
};

/* Frames of the supervisor itself that have not been sent. */
struct send_queue {
	uint8_t *p;
	size_t len, cap;
	size_t sent;			/* how many of the len bytes have been sent */
};

struct supervisor {
	struct supervisor_config config;
	struct link link;
	int sig_fd;			/* signalfd for SIGCHLD */
	int notify_fd;			/* eventfd that executors use to wake
					 * the supervisor */
	int timer_fd;			/* timerfd: a call has lasted LINK_TAKE_OVER_NS */
	int frame_fd;			/* as in struct executor */
	int random_fd;			/* /dev/urandom; opening it after a
					 * resume would cost 2 ms */
	int next_fd;			/* the link to attach once the
					 * supervisor has the role again, or
					 * -1 */
	bool keep_role;			/* do not give the role of reading away
					 * before the next frame, which is the
					 * first one after a resume */
	uint32_t calls_seen;		/* link.state->calls when the timer ran out last */
	struct send_queue queue;
	uint32_t sending;		/* channel whose deferred frame is partly sent, or 0 */
	bool has_lock;			/* the link's lock is the supervisor's */
	bool link_full;			/* frames wait until the runner reads from the link */
	bool lock_wanted;		/* frames wait until an executor gives
					 * the lock back */
	int64_t stuck_owner;		/* channel of the executor that has the
					 * lock, while lock_wanted is true */
	int64_t stuck_since_ms;		/* when the supervisor first saw
					 * stuck_owner with the lock, in ms */
	struct shared *shared;
	struct roster_entry roster[CHANNELS];	/* roster[n - 1] belongs to channel n */
};

#endif
