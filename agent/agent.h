/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the agent's files share: the link, the mailboxes, an executor's context.
 *
 * The supervisor (supervise.c) is PID 1 in a guest and executes nothing: it
 * reads frames, hands requests to executors, reaps, and keeps the books.  An
 * executor (executor.c) does one request after the other.  They share a
 * mailbox of plain memory: a request costs one futex wake, and the executor
 * writes its reply to the link itself.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "agent/wire/wire.h"

/* Descriptors of the agent's own start here, out of a test's way. */
#define AGENT_FD_BASE 1000

/* --- link.c: frames in and out --- */

/*
 * The link, in memory that all processes of the agent share.
 *
 * Writing takes a lock.  A frame up to LINK_ATOMIC bytes is one write(2),
 * which the virtio-serial driver takes whole; so a writer that dies leaves no
 * torn frame.
 *
 * Reading goes with a role.  An idle executor reads the link itself: a hop by
 * way of the supervisor would double the time of a round trip.  While it is in
 * a call, the supervisor may take the role (it does when a call lasts); when
 * the executor reads a frame that is not its own, it gives the role back.
 *
 * An executor can be killed at any instruction.  What it has read is recovered
 * from the buffer itself: its window holds a pattern where no bytes are,
 * and span and dirty change in an order that leaves no doubt.
 */
#define LINK_ATOMIC (32u << 10)
#define LINK_WINDOW (16u << 10)		/* an executor reads into this, and no further */

/* Who reads: the supervisor, or an executor that is idle; see struct link_state. */
#define LINK_SUPERVISOR 0u
/* The executor of that channel reads. */
static inline uint32_t link_reader(uint32_t channel)
{
	return channel << 1;
}

/* It would, but is in a call. */
static inline uint32_t link_in_call(uint32_t channel)
{
	return channel << 1 | 1;
}

struct link_state {
	_Atomic uint32_t owner;		/* 0, or channel + 1 of who writes */
	_Atomic uint32_t waiters;
	_Atomic uint32_t generation;	/* of the link's descriptor */
	_Atomic int32_t fd;		/* its number in the supervisor */
	_Atomic uint32_t role;		/* LINK_SUPERVISOR, link_reader(), link_in_call() */
	_Atomic uint64_t span;		/* bytes held: start << 32 | end */
	_Atomic uint32_t dirty;		/* the pattern is being put back */
	_Atomic uint32_t armed;		/* the supervisor's timer is running */
	_Atomic uint32_t calls;		/* begun by executors that read */
};

struct link {
	int fd;				/* -1: nobody is connected */
	struct link_state *state;
	uint8_t *in;			/* shared: frames being received */
	bool greeted;			/* a hello has arrived */
};

/* Maps what the link needs; fd is -1 afterwards.  0 or -errno. */
int link_init(struct link *link);
/* Takes over fd (and closes the one before). */
void link_attach(struct link *link, int fd);
void link_detach(struct link *link);
/*
 * Reads what there is; the caller has the role.  An executor reads into the
 * window only: -ENOBUFS when that is full.  Bytes read; 0 at the end;
 * -errno.
 */
ssize_t link_fill(struct link *link, bool executor);
/*
 * The first complete frame received: 1 and header and payload, which stay
 * valid until link_drop(); 0: not complete yet; -EBADMSG.
 */
int link_peek(struct link *link, struct wire_header *hdr, const uint8_t **payload);
void link_drop(struct link *link, const struct wire_header *hdr);
/* Before an executor gets the role.  False: there are bytes left to deal with. */
bool link_make_clean(struct link *link);
/* After the death of an executor that had the role: finds what it had read. */
void link_recover(struct link *link);
void link_lock(struct link_state *state, uint32_t channel);
void link_unlock(struct link_state *state);
/* Writes all of it, waiting as long as that takes.  0 or -errno. */
int link_write(int fd, const void *p, size_t n);
/* Locks, writes one frame of the supervisor, unlocks. */
void link_send(struct link *link, const struct wire_header *hdr,
	       const struct wire_desc *desc, const void *msg);

int futex_wait(_Atomic uint32_t *word, uint32_t while_value);
void futex_wake(_Atomic uint32_t *word);
void futex_wake_all(_Atomic uint32_t *word);

/* Memory shared with children; unused pages cost nothing.  NULL on failure. */
void *shared_map(size_t size);
/* Moves fd to AGENT_FD_BASE or above, close-on-exec.  The new fd or -errno. */
int fd_out_of_the_way(int fd);

/* --- what the supervisor, executors, workers and jobs share --- */

#define CHANNELS 1024u			/* the executor's and its workers' */
#define JOBS 64u			/* remembered at a time */
#define JOB_KEPT (16u << 20)		/* bytes of a job's stream */

/*
 * A request is posted when the box is idle or replying: the runner may send
 * the next one before the executor is back from writing its reply.  Who dies
 * while replying may have replied; the runner drops the second answer.
 */
enum box_state { BOX_IDLE, BOX_BUSY, BOX_REPLYING };

enum box_life {
	LIFE_NONE,			/* nobody has this channel */
	LIFE_STARTING,			/* being made by the executor */
	LIFE_ON,
	LIFE_OVER,			/* a worker that has ended: its death report stays */
};

/*
 * Where the two sides of a race meet (do_batch.c).  A side's mark is the
 * race's number << 32 | how often it has been there; RACE_OVER at its end.
 */
#define RACE_OVER 0xffffffffu

struct meeting {
	_Atomic uint64_t mark[2];
	_Atomic uint32_t bell[2];	/* futex: counts a side's marks, and never returns */
	_Atomic uint32_t asleep[2];
};

#define PAGE_SIZE 4096
#define FRAME_MAX (WIRE_HEADER + (size_t)WIRE_MAX)

/* Whole pages, so that they can be given back. */
struct frame {
	_Alignas(PAGE_SIZE) uint8_t bytes[FRAME_MAX];
};

struct mailbox {
	_Atomic uint32_t life;		/* enum box_life */
	_Atomic int32_t pid;		/* of its process, or 0 */
	_Atomic int32_t tid;		/* of its thread: the same, unless it is one */
	_Atomic uint32_t thread;	/* 1: a thread of the executor */
	_Atomic uint32_t doorbell;		/* futex: posted or the role has changed */
	_Atomic uint32_t posted;	/* requests handed over so far */
	_Atomic uint32_t no_role;	/* this executor cannot read the link */
	_Atomic uint32_t filtered;	/* some system calls might kill it (seccomp) */
	_Atomic uint32_t busy;		/* enum box_state */
	_Atomic uint32_t deferred;	/* futex: out is the supervisor's to send */
	_Atomic uint32_t deferred_from;	/* first byte of out not yet sent */
	_Atomic int32_t command;	/* process group of a running exec, or 0 */
	_Atomic uint32_t race;		/* the one it is in, or 0 */
	_Atomic uint32_t race_at;	/* holder << 1 | side */
	_Atomic uint32_t alive;		/* a thread's: the kernel marks it at its end */
	struct robust_list_head robust;	/* by way of these */
	struct robust_list robust_entry;
	struct meeting meeting;		/* of races that this channel holds */
	struct wire_header req;
	uint8_t *in;			/* its payload: WIRE_MAX bytes */
	uint8_t *out;			/* a frame: FRAME_MAX bytes */
};

enum job_state { JOB_NONE, JOB_STARTING, JOB_RUNNING, JOB_ENDED };

/* What a job's keeper writes and any executor reads; see do_job.c. */
struct job {
	_Atomic uint32_t id;
	_Atomic uint32_t state;		/* futex: enum job_state */
	_Atomic int32_t keeper;
	_Atomic int32_t pid;		/* of the shell */
	_Atomic int32_t error;		/* why it did not start */
	int32_t status;			/* as of wait(2), once ended */
	struct kept {
		_Atomic uint64_t claimed;	/* bytes up to here may be written */
		_Atomic uint64_t total;		/* and up to here have been */
		_Alignas(PAGE_SIZE) uint8_t ring[JOB_KEPT];
	} out[2];
};

/* Shared memory; what is not used costs nothing. */
struct shared {
	_Atomic int32_t supervisor;	/* its pid */
	_Atomic uint32_t high;		/* channels 1 to high have been used */
	_Atomic uint32_t recent;	/* whose the last request was */
	_Atomic uint32_t last_job;
	struct mailbox box[CHANNELS];	/* of channel n: box[n - 1] */
	struct frame in[CHANNELS], out[CHANNELS];
	struct job jobs[JOBS];
};

/* Gives the pages back; they read as zeros from then on. */
void frame_forget(uint8_t *bytes);

static inline bool mailbox_thread_ended(const struct mailbox *box)
{
	return atomic_load(&box->alive) & FUTEX_OWNER_DIED;
}

/* Makes a box one of an executor that has nothing to do yet. */
void mailbox_reset(struct mailbox *box, bool no_role);
/* A request that will not be carried out: if it is a side of a race, the other does not wait. */
void race_forfeit(struct shared *shared, const struct wire_header *hdr, const void *payload);

/* --- arena.c: buffers with guards --- */

/* An executor's; all zeros: nothing yet. */
struct guards {
	uint8_t *slots;
	size_t slots_used;
	struct mapping *mappings;	/* of the buffers that fit into no slot */
};

struct guarded {
	uint8_t *p;			/* len bytes, the next one is not mapped */
	size_t len;
};

/* Zeroed, with a canary before it.  0 or -errno. */
int guarded_get(struct guards *guards, struct guarded *g, size_t len);
/* How many bytes before the start no longer hold the canary. */
uint32_t guarded_check(const struct guarded *g);
/* Gives all back that guarded_get() handed out since the last time. */
void guarded_put_all(struct guards *guards);
void guards_release(struct guards *guards);

/* --- executor.c --- */

struct executor {
	uint32_t channel;
	struct link link;
	uint32_t generation;		/* of its descriptor */
	uint32_t asked_for;		/* generation of the last one it tried to get */
	int notify_fd;			/* eventfd that wakes the supervisor */
	int timer_fd;			/* timerfd: a call has begun */
	int random_fd;			/* /dev/urandom, for when it wakes; or -1 */
	struct shared *shared;
	struct mailbox *box;
	struct wire_arena arena;	/* lists of the request, and replies */
	struct guards guards;		/* buffers of the system call in hand */
#define HELD_MAX 8
	int held[HELD_MAX];		/* descriptors of the op in hand, plus 1; or 0 */
	bool in_batch;			/* no data frames now */
	bool streamed;			/* but there was one */
	struct wire_fail fail;		/* set by executor_fail() */
	char fail_text[512];
};

/* Serves the mailbox; never returns.  Takes over the descriptors. */
noreturn void executor_main(struct executor *ex);
#define ARENA_SIZE (48u << 20)		/* of addresses: results of a batch, too */
/* Sends a data frame for the request in hand; n at most WIRE_PIECE. */
void executor_data(struct executor *ex, uint32_t stream, const void *p, size_t n);
/* Notes why the op failed; returns -1 so that a handler can return it. */
int executor_fail(struct executor *ex, enum wire_reason reason, int err,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Scratch that lives until the reply is sent; NULL when there is no more. */
void *executor_scratch(struct executor *ex, size_t n);
/* A C string of b in scratch; NULL when there is no more. */
char *executor_string(struct executor *ex, const struct wire_bytes *b);
/* One op by its number; 0 with rep filled in, or what executor_fail() returned. */
#define MAX_STRUCT 256
int executor_run(struct executor *ex, unsigned int op, const void *payload,
		 size_t len, void *rep);
void executor_wake_supervisor(struct executor *ex);
/*
 * An op's descriptors: those of a thread that is ended in the middle of one are
 * closed, since its process goes on.  close-on-exec.  The descriptor (0 for the
 * pipe and close), or -errno.
 */
int executor_open(struct executor *ex, const char *path, int flags);
int executor_pipe(struct executor *ex, int fds[2]);
int executor_pidfd(struct executor *ex, pid_t pid);
int executor_close(struct executor *ex, int *fd);

/* --- command.c: /bin/sh -c --- */

struct command {
	const struct wire_bytes *cmd;
	const struct wire_bytes *cwd;	/* empty: the caller's */
	const struct wire_list *env;	/* of wire_str, NAME=value */
	int fds[3];			/* become its 0, 1, 2 */
	_Atomic int32_t *group;		/* NULL, or where to note its process group */
};

/*
 * Starts it in a session of its own; it dies with our thread.  The pid, or what executor_fail()
 * returned.  Uses no malloc: a worker may come from a process with threads.
 */
pid_t command_start(struct executor *ex, const struct command *c);

/* --- boot.c: PID 1's duties --- */

/*
 * Mounts what the agent needs and enters the profile's root and init, if the
 * kernel's command line names them.  Returns in the process that is to be the
 * supervisor.  A failure is printed on the console and ends PID 1.
 */
void boot_guest(void);
/* The virtio-serial port: its descriptor, or -errno (-ENODEV: none). */
int boot_open_port(void);
/* A vsock listener on any CID: its descriptor, or -errno. */
int boot_listen_vsock(unsigned int port);
noreturn void boot_power_off(void);

/* --- do_spawn.c --- */

/* Ends one thread of an executor: the last signal there is. */
#define THREAD_END_SIGNAL 64
/*
 * As fork(2), but the child's parent is the supervisor, whom the kernel lets
 * know by *pid before the child runs.  -errno on failure.
 */
pid_t fork_sibling(_Atomic int32_t *pid);
/* In that child: a session of its own, and an end with the supervisor's. */
void sibling_set_up(const struct shared *shared);

/* --- do_batch.c --- */

/* Before a system call: waits for the other side, in a race.  False: it is over. */
bool race_meet(struct executor *ex);

/* --- do_kmsg.c --- */

/* Adds what sysrq-w has the kernel say of blocked tasks; buf stays a string. */
void kmsg_blocked_tasks(char *buf, size_t cap);

/*
 * Sends the records of the kernel log from sequence number `from` on as data
 * frames for this request.  The sequence number of the next record, or -errno.
 */
int64_t kmsg_send(struct link *link, const struct wire_header *req, uint64_t from);

/* --- resume.c: what a save and a resume need of the guest --- */

/* /dev/urandom, out of the way of a test's; or -1. */
int resume_open_random(void);
/* Syncs, reseeds the kernel's generator (finds its addresses if asked), marks the
 * kernel log. */
void quiesce_guest(const struct wire_quiesce_req *q, struct wire_quiesce_rep *p,
		   int random_fd);
/* 0; -errno when the clock or the generator could not be set. */
int resume_now(const struct wire_resume_req *q, int random_fd);
/* May that process set the clock and so on, as PID 1 may, and nobody filters it? */
bool resume_executor_can_set_clock(pid_t pid);

/* --- supervise.c --- */

struct supervisor_config {
	int link_fd;			/* a connected link, or -1 */
	int listen_fd;			/* a vsock listener, or -1 */
	bool guest;			/* power off at the end, else exit */
};

noreturn void supervise(const struct supervisor_config *config);

#endif
