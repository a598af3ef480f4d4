/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An executor: a process or thread that carries out requests, one after the
 * other.
 */
#ifndef AGENT_EXECUTOR_CONTEXT_H
#define AGENT_EXECUTOR_CONTEXT_H

#include "agent/executor/guarded.h"
#include "agent/shared/link.h"
#include "agent/shared/shared.h"

#define MAX_STRUCT 256			/* size of the largest message's struct, in bytes */
/*
 * Size of an executor's arena in address space, in bytes; a reply to a batch
 * holds all its results in the arena.
 */
#define ARENA_SIZE (48u << 20)
/* The largest number of descriptors that one op holds at a time. */
#define HELD_MAX 8
/* Exit status of an executor whose own descriptors were closed by a test. */
#define EXECUTOR_LOST_FDS 125

struct executor;
/*
 * Carries out the op with that number.  Returns 0 with rep filled in, or what
 * executor_fail() returned.
 */
typedef int (*executor_op)(struct executor *ex, unsigned int op,
			   const void *payload, size_t len, void *rep);

struct executor {
	uint32_t channel;
	struct link link;
	uint32_t generation;		/* the generation of the link to
					 * which link.fd belongs */
	uint32_t asked_for;		/* the generation of the last link
					 * whose descriptor this executor
					 * tried to get */
	int notify_fd;			/* eventfd for waking the supervisor */
	int timer_fd;			/* timerfd that tells the supervisor of a long call */
	int random_fd;			/* /dev/urandom, for executor_resume; or -1 */
	int frame_fd;			/* a memfd, for a frame on its way to a
					 * port; only the owner of the link's
					 * lock uses it */
	struct shared *shared;
	struct mailbox *box;
	executor_op run_op;
	struct wire_arena arena;	/* the request's lists, and reply data */
	struct guards guards;		/* buffers of the current system call */
	int held[HELD_MAX];		/* the op's open descriptors, plus 1; 0: none */
	bool in_batch;			/* data frames are not sent, because a batch runs */
	bool streamed;			/* an op of the batch wanted to send a data frame */
	bool started;			/* the request has made a worker or jobs */
	struct wire_fail fail;		/* set by executor_fail() */
	char fail_text[512];
};

#endif
