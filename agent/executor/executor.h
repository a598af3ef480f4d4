/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An executor: a process or thread that takes one request after the other and
 * carries it out.  This is what the ops (agent/ops) use of it.
 */
#ifndef AGENT_EXECUTOR_EXECUTOR_H
#define AGENT_EXECUTOR_EXECUTOR_H

#include <stdnoreturn.h>

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

/* --- executor.c --- */

/* Serves the mailbox and the link; never returns.  Takes over the descriptors. */
noreturn void executor_main(struct executor *ex);

/* --- answer.c --- */

/* Notes why the op failed; returns -1, so that a handler can return it. */
int executor_fail(struct executor *ex, enum wire_reason reason, int err,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Sends a data frame for the request in hand; n is at most WIRE_PIECE. */
void executor_data(struct executor *ex, uint32_t stream, const void *p, size_t n);
/* Memory that lasts until the reply is sent; NULL when there is no more. */
void *executor_scratch(struct executor *ex, size_t n);
/* A C string of b in scratch; NULL when there is no more. */
char *executor_string(struct executor *ex, const struct wire_bytes *b);
/* Has the supervisor look at this executor's mailbox. */
void executor_wake_supervisor(struct executor *ex);

/* --- op_fd.c --- */

/*
 * An op's descriptors.  When a thread worker is ended in the middle of an op,
 * they are closed, because its process goes on.  All are close-on-exec.  The
 * descriptor (0 for the pipe and close), or -errno.
 */
int executor_open(struct executor *ex, const char *path, int flags);
int executor_pipe(struct executor *ex, int fds[2]);
int executor_pidfd(struct executor *ex, pid_t pid);
/* Closes *fd, if it is not -1, and sets it to -1. */
int executor_close(struct executor *ex, int *fd);
/* Closes those that are open, after the thread's end. */
void executor_close_held(struct executor *ex);

#endif
