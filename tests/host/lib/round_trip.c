// SPDX-License-Identifier: GPL-2.0-only
/* Requests of a round trip, and their answers. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "runner/base/deadline.h"
#include "tests/host/lib/round_trip.h"

#define LIMIT_S 10.0			/* an agent that takes longer counts as hung */

void fault(struct run *r, const char *text)
{
	if (!r->fault)
		r->fault = text;
}

void request(struct run *r, uint32_t channel, enum wire_kind kind,
		    enum wire_op nr, const void *req)
{
	send_to(r->p, channel, kind, nr, req);
	r->requests[r->nr_requests++] = (struct request){
		.tag = r->p->tag, .has_effect = channel != WIRE_SUPERVISOR,
	};
}

unsigned int count_effects(void)
{
	static const struct timespec now;
	unsigned int n = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, EFFECT);
	while (sigtimedwait(&set, NULL, &now) == EFFECT)
		n++;
	return n;
}

/* --- answers --- */

static void note_answer(struct run *r)
{
	const struct wire_header *hdr = &r->p->hdr;

	if (hdr->kind != WIRE_REPLY && hdr->kind != WIRE_FAIL)
		return;
	for (unsigned int i = 0; i < r->nr_requests; i++) {
		struct request *q = &r->requests[i];

		if (q->tag != hdr->tag)
			continue;
		if (!q->answers++) {
			q->answered = true;
			q->carried_out = hdr->kind == WIRE_REPLY;
		}
	}
}

static bool all_answered(const struct run *r)
{
	for (unsigned int i = 0; i < r->nr_requests; i++)
		if (!r->requests[i].answered)
			return false;
	return true;
}

bool collect(struct run *r, uint32_t tag)
{
	int64_t deadline = deadline_in(LIMIT_S), late = deadline_in(LATE_S);

	while (tag || !all_answered(r)) {
		int ret = next_frame_until(r->p, deadline);

		if (ret) {
			fault(r, ret == -EPIPE ? "the link was dropped" :
			      ret == -EBADMSG ? "a malformed frame came" :
			      tag ? "no answer to a ping or call afterwards" :
			      "a request has no answer");
			return false;
		}
		note_answer(r);
		r->late |= clock_ns() > late;
		if (tag && r->p->hdr.tag == tag &&
		    (r->p->hdr.kind == WIRE_REPLY || r->p->hdr.kind == WIRE_FAIL))
			return true;
	}
	return true;
}

void await_answer(struct run *r, double limit_s)
{
	int64_t deadline = deadline_in(limit_s);

	while (!r->requests[r->nr_requests - 1].answered &&
	       !next_frame_until(r->p, deadline))
		note_answer(r);
}

bool ping(struct run *r)
{
	struct wire_blob blob = { str("ping") };

	send_op(r->p, WIRE_OP_ping, &blob);
	return collect(r, r->p->tag);
}

void abort_call(struct run *r, uint32_t channel)
{
	struct wire_abort_req req = { .channel = channel };

	send_op(r->p, WIRE_OP_abort, &req);
	collect(r, r->p->tag);
}

int64_t pid_of(struct run *r, uint32_t channel)
{
	struct wire_syscall_req req = { .nr = SYS_getpid };
	struct wire_syscall_rep rep;
	struct wire_arena none = { 0 };

	send_to(r->p, channel, WIRE_REQUEST, WIRE_OP_syscall, &req);
	if (!collect(r, r->p->tag))
		return -2;
	return r->p->hdr.kind == WIRE_REPLY &&
	       !wire_decode(&wire_desc_syscall_rep, &rep, r->p->payload, r->p->hdr.len,
			    &none) ? rep.ret : -1;
}

int64_t pid_soon(struct run *r)
{
	int64_t pid = -1;

	for (int i = 0; i < 4 && pid == -1; i++)
		pid = pid_of(r, WIRE_EXECUTOR);
	if (pid == -1)
		fault(r, "the next calls do not work");
	return pid;
}
