/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An executor: a process or thread that takes one request after the other and
 * carries it out.
 */
#ifndef AGENT_EXECUTOR_CONTEXT_H
#define AGENT_EXECUTOR_CONTEXT_H

#include "agent/executor/guarded.h"
#include "agent/shared/link.h"
#include "agent/shared/shared.h"

#define MAX_STRUCT 256			/* size of the largest message's struct, in bytes */
#define ARENA_SIZE (48u << 20)		/* of addresses; a batch's results need it, too */
#define HELD_MAX 8			/* descriptors that one op holds at a time */
/* Exit status of an executor whose own descriptors were closed by the test. */
#define EXECUTOR_LOST_FDS 125

struct executor;
/* Carries one op out, by its number: 0 with rep filled in, or what
 * executor_fail() returned. */
typedef int (*executor_op)(struct executor *ex, unsigned int op,
			   const void *payload, size_t len, void *rep);

struct executor {
	uint32_t channel;
	struct link link;
	uint32_t generation;		/* of the link that link.fd belongs to */
	uint32_t asked_for;		/* generation of the last descriptor it tried to get */
	int notify_fd;			/* eventfd that wakes the supervisor */
	int timer_fd;			/* timerfd that tells the supervisor of a long call */
	int random_fd;			/* /dev/urandom, for executor_resume; or -1 */
	struct shared *shared;
	struct mailbox *box;
	executor_op run_op;
	struct wire_arena arena;	/* lists of the request, and reply data */
	struct guards guards;		/* buffers of the system call in hand */
	int held[HELD_MAX];		/* the op's descriptors, plus 1; or 0 */
	bool in_batch;			/* data frames are not sent now, */
	bool streamed;			/* but there was one */
	struct wire_fail fail;		/* set by executor_fail() */
	char fail_text[512];
};

#endif
