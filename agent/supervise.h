/* SPDX-License-Identifier: GPL-2.0-only */
/* What the supervisor's two files share: its loop, and its books on executors. */
#ifndef AGENT_SUPERVISE_H
#define AGENT_SUPERVISE_H

#include "agent/agent.h"

/* The supervisor's own notes on a channel, where no executor can reach them. */
struct member {
	char death_report[320];		/* how its last holder ended, if one did */
	bool watched;			/* a thread that somebody waits for */
	bool stuck;			/* a thread that was given up */
	bool ending;
	struct wire_header end_request;	/* to be answered at its end */
};

struct supervisor {
	struct supervisor_config config;
	struct link link;
	int sig_fd;			/* SIGCHLD */
	int notify_fd;			/* an executor wants something */
	int timer_fd;			/* a call has begun a while ago */
	int random_fd;			/* /dev/urandom; looking it up costs a resume 2 ms */
	int next_fd;			/* a link to attach when the role is back */
	bool held;			/* the next frame is ours: a resume's first */
	uint32_t calls_seen;		/* link.state->calls at the last tick */
	struct shared *shared;
	struct member members[CHANNELS];	/* of channel n: n - 1 */
};

void send_fail(struct supervisor *s, const struct wire_header *req,
	       enum wire_reason reason, const char *text);
void send_reply(struct supervisor *s, const struct wire_header *req,
		const void *rep);

/* --- describe.c --- */

/* State, system call and kernel stack of a task, as lines; of one in state D, all blocked tasks. */
void describe_task(pid_t task, char *report, size_t cap);

/* --- roster.c --- */

/* 0 or -errno. */
int roster_init(struct supervisor *s);
/* The VM's own executor.  0 or -errno. */
int roster_start_executor(struct supervisor *s);
/* Hands a request to its channel's executor, or says why not. */
void roster_post(struct supervisor *s, const struct wire_header *hdr,
	       const uint8_t *payload);
/* Sends what executors have deferred. */
void roster_send_deferred(struct supervisor *s);
/* Watches new threads, and reaps those that have ended. */
void roster_watch_threads(struct supervisor *s);
/* Tells all executors that there is another link. */
void roster_new_link(struct supervisor *s);
/* A child has ended or stopped, as waitpid(2) told. */
void roster_reaped(struct supervisor *s, pid_t pid, int status);
/* The VM's own executor, if it has nothing to do and can read: then it is the one
 * to read next.  Else 0. */
pid_t roster_idle_executor(struct supervisor *s);
/* Lets an idle executor read the link, when nobody else does. */
void roster_give_role(struct supervisor *s);
/*
 * Ends the channel's call (of all channels, for the supervisor's): its command if it runs one, else its executor.
 * With abandon, the executor is given up: it has not died of that.  What was
 * done; report says where the task was.
 */
enum wire_aborted roster_abort(struct supervisor *s, uint32_t channel, bool abandon,
			     char *report, size_t cap);
/* Ends a worker, and answers when it is gone. */
void roster_end_worker(struct supervisor *s, const struct wire_header *hdr, uint32_t channel);
void roster_kill_all(struct supervisor *s);

#endif
