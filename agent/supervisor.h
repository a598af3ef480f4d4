/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The supervisor's state.  Its files, from the bottom up: roster, send, reply,
 * reader_role, death, thread_watch, post, abort, supervisor_ops, supervise.  Each calls only those before it.
 */
#ifndef AGENT_SUPERVISOR_H
#define AGENT_SUPERVISOR_H

#include "agent/shared/link.h"
#include "agent/shared/shared.h"

struct supervisor_config {
	int link_fd;			/* a connected link, or -1 */
	int listen_fd;			/* a vsock listener, or -1 */
	bool guest;			/* at the end: power the guest off, else exit */
};

/* What the supervisor notes on a channel, in memory that no executor can write. */
struct roster_entry {
	char death_report[320];		/* how its last executor ended; empty: none did */
	bool watched;			/* a thread in this process waits for its thread */
	bool stuck;			/* a thread that was given up while in the kernel */
	bool ending;			/* end_worker is to be answered at its end: */
	struct wire_header end_request;	/* this request */
};

/* Frames of the supervisor's own that have not been sent. */
struct send_queue {
	uint8_t *p;
	size_t len, cap;
	size_t sent;			/* of the first len bytes */
};

struct supervisor {
	struct supervisor_config config;
	struct link link;
	int sig_fd;			/* signalfd for SIGCHLD */
	int notify_fd;			/* eventfd: an executor wants something */
	int timer_fd;			/* timerfd: a call has lasted LINK_TAKE_OVER_NS */
	int random_fd;			/* /dev/urandom; opening it costs a resume 2 ms */
	int next_fd;			/* the link to attach once the role is back, or -1 */
	bool keep_role;			/* read the next frame here: a resume's first */
	uint32_t calls_seen;		/* link.state->calls when the timer ran out last */
	struct send_queue queue;
	uint32_t sending;		/* channel whose deferred frame is partly sent, or 0 */
	bool has_lock;			/* the link's lock is the supervisor's */
	bool link_full;			/* what is to be sent waits for the runner to read */
	bool lock_wanted;		/* … or for an executor to give the lock back, */
	int64_t stuck_owner;		/* which was this channel, */
	int64_t stuck_since_ms;		/* since then */
	struct shared *shared;
	struct roster_entry roster[CHANNELS];	/* of channel n: n - 1 */
};

#endif
