// SPDX-License-Identifier: GPL-2.0-only
/* Handles the ops that the supervisor itself answers, on channel 0. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/abort.h"
#include "agent/guest/boot.h"
#include "agent/guest/kernel_log.h"
#include "agent/guest/module_folder.h"
#include "agent/guest/quiesce.h"
#include "agent/look.h"
#include "agent/reader_role.h"
#include "agent/reply.h"
#include "agent/send.h"
#include "agent/supervisor_ops.h"
#include "agent/terminal.h"

#define SHUTDOWN_MS 1000		/* time limit for sending the answer to
					 * the op shutdown */
#define PAYLOAD_MAX (64u << 10)	/* largest payload of a request to the supervisor, in bytes */

/* Handles hello.  If the runner has another table of ops, the link ends. */
static int op_hello(struct supervisor *s, const struct wire_header *hdr,
		    const struct wire_hello *q)
{
	struct wire_nothing none;

	if (q->fingerprint != wire_fingerprint()) {
		dprintf(2, "provium agent: the runner's protocol is %016llx, the agent's is %016llx: build both from the same tree\n",
			(unsigned long long)q->fingerprint,
			(unsigned long long)wire_fingerprint());
		return -EPROTO;
	}
	s->link.greeted = true;
	/* A guest that boots slowly loses seconds on the way. */
	if (q->time_ns)
		quiesce_set_clock(q->time_ns);
	reply_send(s, hdr, &none);
	return 0;
}

static int op_ping(struct supervisor *s, const struct wire_header *hdr,
		   const struct wire_blob *q)
{
	reply_send(s, hdr, q);
	return 0;
}

static int op_abort(struct supervisor *s, const struct wire_header *hdr,
		    const struct wire_abort_req *q)
{
	static char report[16384];
	struct wire_abort_rep rep;

	report[0] = 0;
	rep.aborted = abort_call(s, q->channel, q->abandon, report, sizeof(report));
	rep.report = (struct wire_bytes){ report, (uint32_t)strlen(report) };
	reply_send(s, hdr, &rep);
	return 0;
}

static int op_look(struct supervisor *s, const struct wire_header *hdr,
		   const struct wire_nothing *q)
{
	(void)q;
	look_answer(s, hdr);
	return 0;
}

static int op_end_worker(struct supervisor *s, const struct wire_header *hdr,
			 const struct wire_channel_req *q)
{
	abort_worker(s, hdr, q->channel);
	return 0;
}

static int op_shutdown(struct supervisor *s, const struct wire_header *hdr,
		       const struct wire_nothing *q)
{
	(void)q;
	reply_send(s, hdr, q);
	send_flush(s, SHUTDOWN_MS);
	if (s->config.guest)
		boot_power_off();
	roster_kill_all(s);
	exit(0);
}

struct log_request {
	struct supervisor *s;
	const struct wire_header *hdr;
};

static void send_log(void *context, const char *piece, size_t n)
{
	struct log_request *request = context;

	reply_data(request->s, request->hdr, piece, n);
}

static int op_kmsg(struct supervisor *s, const struct wire_header *hdr,
		   const struct wire_kmsg_req *q)
{
	struct log_request request = { s, hdr };
	struct wire_kmsg_rep rep = { 0 };
	int64_t next;
	char text[128];

	/*
	 * Reads the counters of the kernel's faults before it reads the log, so
	 * that the log has a report of each fault counted.
	 */
	kernel_log_counters(&rep.taint, &rep.warnings);
	next = kernel_log_read(q->from, send_log, &request);
	rep.next = (uint64_t)next;
	if (next < 0) {
		snprintf(text, sizeof(text), "/dev/kmsg: %s", strerror((int)-next));
		reply_fail(s, hdr, WIRE_REASON_BAD, text);
	} else {
		reply_send(s, hdr, &rep);
	}
	return 0;
}

static int op_put_module(struct supervisor *s, const struct wire_header *hdr,
			 const struct wire_write_req *q)
{
	struct wire_nothing none;
	char name[256];
	int ret;

	snprintf(name, sizeof(name), "%.*s", (int)q->path.len, (const char *)q->path.p);
	ret = module_folder_write(name, q->offset, q->data.p, q->data.len);
	if (ret)
		reply_fail(s, hdr, WIRE_REASON_BAD, strerror(-ret));
	else
		reply_send(s, hdr, &none);
	return 0;
}

static int op_quiesce(struct supervisor *s, const struct wire_header *hdr,
		      const struct wire_quiesce_req *q)
{
	struct wire_quiesce_rep rep;
	pid_t executor;

	/* The timer must not run out in a guest that was just resumed. */
	reader_role_stop_timer(s);
	quiesce_guest(q, &rep, s->random_fd);
	kernel_log_counters(&rep.taint, &rep.warnings);
	executor = reader_role_idle_executor(s);
	rep.executor_can_set_clock = executor && quiesce_can_set_clock(executor);
	/*
	 * If the executor cannot set the clock, the supervisor reads the next
	 * frame, which is the first one after the resume.
	 */
	s->keep_role = !rep.executor_can_set_clock;
	reply_send(s, hdr, &rep);
	return 0;
}

static int op_resume(struct supervisor *s, const struct wire_header *hdr,
		     const struct wire_resume_req *q)
{
	struct wire_nothing none;
	int ret = quiesce_resume(q, s->random_fd);

	if (ret)
		reply_fail(s, hdr, WIRE_REASON_BAD, strerror(-ret));
	else
		reply_send(s, hdr, &none);
	return 0;
}

/* The ops on terminals are agent/terminal.c's. */
#define TERMINAL_OP(op, fn, req)					\
	static int op_##op(struct supervisor *s, const struct wire_header *hdr,	\
			   const struct wire_##req *q)			\
	{								\
		fn(s, hdr, q);						\
		return 0;						\
	}
TERMINAL_OP(terminal, terminal_start, terminal_req)
TERMINAL_OP(terminal_input, terminal_input, terminal_input_req)
TERMINAL_OP(terminal_output, terminal_output, terminal_id)
TERMINAL_OP(terminal_size, terminal_size, terminal_size_req)
TERMINAL_OP(terminal_close, terminal_close, terminal_id)

int supervisor_op(struct supervisor *s, const struct wire_header *hdr)
{
	static uint8_t payload[PAYLOAD_MAX];
	const struct wire_op_desc *op = wire_op_by_number(hdr->op);
	uint64_t req[32];
	struct wire_arena none = { 0 };

	if (hdr->len <= sizeof(payload))
		link_payload(&s->link, payload, hdr->len);
	if (!op || !op->supervisor || op->req->size > sizeof(req) ||
	    hdr->len > sizeof(payload) ||
	    wire_decode(op->req, req, payload, hdr->len, &none)) {
		reply_fail(s, hdr, WIRE_REASON_BAD,
			   "the request is malformed, or not one for the supervisor");
		return 0;
	}
	switch ((unsigned int)op->op) {
#define CALL_supervisor(num, name) case num: return op_##name(s, hdr, (const void *)req);
#define CALL_executor(num, name)
#define OP(num, name, by, q, p, doc) CALL_##by(num, name)
	WIRE_OPS(OP)
#undef OP
	}
	return 0;
}
