// SPDX-License-Identifier: GPL-2.0-only
/* Copies stdin to a pipe in the guest; see feed.h. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/vm/feed.h"
#include "runner/vm/internal.h"

#define FEED_BYTES (64u << 10)		/* what a pipe holds (pipe(7)) */
/* No event tells that this process has come to the terminal's foreground. */
#define LOOK_S 0.5

struct feed {
	struct vm *vm;
	const struct feed_pipe *to;
	struct vm_call *request;	/* a request in flight, to write to the
					 * pipe or to close it; or NULL */
	bool ended;			/* nothing more is to be read */
	size_t at, len;			/* of `bytes`: written so far, and read */
	uint8_t bytes[FEED_BYTES];
};

static void submit(struct feed *f, const struct wire_syscall_req *req)
{
	const struct wire_op_desc *op = wire_op_by_number(WIRE_OP_syscall);
	uint8_t raw[FEED_BYTES + 256];
	size_t n = wire_encode(op->req, req, raw, sizeof(raw));
	struct err ignored;		/* the VM has died, as the command's call will tell */

	f->request = vm_submit(f->vm, f->to->channel, WIRE_ASYNC, op, raw, n, &ignored);
}

static void write_more(struct feed *f)
{
	uint32_t len = (uint32_t)(f->len - f->at);
	struct wire_seg seg = {
		.arg = 1, .parent = -1, .len = len, .data = { f->bytes + f->at, len },
	};

	submit(f, &(struct wire_syscall_req){
		.nr = SYS_write, .a0 = f->to->fd, .a2 = len, .segs = { &seg, 1 },
	});
}

static void end(struct feed *f)
{
	f->ended = true;
	submit(f, &(struct wire_syscall_req){ .nr = SYS_close, .a0 = f->to->fd });
}

static void read_stdin(struct feed *f)
{
	ssize_t n = read(STDIN_FILENO, f->bytes, sizeof(f->bytes));

	f->at = 0;
	f->len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		write_more(f);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		end(f);
}

/*
 * Returns the result of the system call that was requested; -EIO if the
 * executor has died.
 */
static int64_t result_of(const struct vm_call *request)
{
	struct wire_out outs[2];
	struct wire_arena arena = { (uint8_t *)outs, sizeof(outs), 0 };
	const struct buf *payload = &request->reply.payload;
	struct wire_syscall_rep rep;

	if (request->reply.kind != WIRE_REPLY ||
	    wire_decode(&wire_desc_syscall_rep, &rep, payload->p, payload->len, &arena))
		return -EIO;
	return rep.ret;
}

static void take_result(struct feed *f)
{
	int64_t n = result_of(f->request);

	vm_call_free(f->vm, f->request);
	f->request = NULL;
	if (f->ended)
		return;
	f->at += n > 0 && n <= (int64_t)(f->len - f->at) ? (size_t)n : 0;
	if (n <= 0)			/* EPIPE */
		end(f);
	else if (f->at < f->len)
		write_more(f);
}

static bool in_background(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) != getpgrp();
}

/*
 * Waits until stdin has bytes or the guest has taken some, and passes on what
 * it can.  0 or -EINTR.
 */
static int step(struct feed *f, int64_t deadline_ns)
{
	bool wants = !f->request && !f->ended, waits = wants && in_background();
	struct pollfd in = { wants && !waits ? STDIN_FILENO : -1, POLLIN, 0 };
	int64_t look_ns = deadline_in(LOOK_S);
	int ret = vm_step_also(f->vm, waits && look_ns < deadline_ns ? look_ns : deadline_ns,
			       &in, 1);

	if (f->request && f->request->done)
		take_result(f);
	if (in.revents)
		read_stdin(f);
	return ret == -EINTR ? ret : 0;
}

int feed_wait(struct vm *vm, struct vm_call *call, const struct feed_pipe *to,
	      int64_t deadline_ns, const char *label, struct err *err)
{
	struct feed f = { .vm = vm, .to = to };

	while (!call->done && !call->print_error && vm->state == VM_RUNNING &&
	       clock_ns() < deadline_ns && !step(&f, deadline_ns))
		;
	if (f.request)
		vm_call_free(vm, f.request);
	return vm_wait(vm, call, deadline_ns, label, err);
}
