// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for the answer to a call, and ending one that takes too long. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/vm/internal.h"

int vm_wait_call(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
		     struct err *err)
{
	int ret = 0;

	while (!ret && !call->done && vm->state != VM_DEAD)
		ret = vm_step(vm, deadline_ns);
	if (call->done)
		return 0;
	if (vm->state == VM_DEAD) {
		*err = vm->death;
		return -ENOTCONN;
	}
	if (ret == -EINTR)
		err_set(err, ERR_INTERRUPTED, 0, "interrupted");
	return ret;
}

bool vm_call_done(struct vm *vm, struct vm_call *call)
{
	while (!call->done && vm->state == VM_RUNNING && !vm_step(vm, 0))
		;
	return call->done || vm->state != VM_RUNNING;
}

static struct vm_call *submit_abort(struct vm *vm, uint32_t channel, bool abandon)
{
	struct wire_abort_req req = { .channel = channel, .abandon = abandon };
	struct err ignored;
	uint8_t raw[16];
	size_t n = wire_encode(&wire_desc_abort_req, &req, raw, sizeof(raw));

	return vm_submit(vm, WIRE_SUPERVISOR, WIRE_REQUEST,
			 wire_op_by_number(WIRE_OP_abort), raw, n, &ignored);
}

/* Its last frame, so that the channel is free again; who does not die is given up. */
static void await_end(struct vm *vm, struct vm_call *call)
{
	double grace = GRACE_S * vm->machine.accel.slowness;
	struct err ignored;
	struct vm_call *abort;

	if (vm_wait_call(vm, call, deadline_in(grace), &ignored) != -ETIMEDOUT)
		return;
	abort = submit_abort(vm, call->channel, true);
	if (!abort)
		return;
	vm_wait_call(vm, abort, deadline_in(grace), &ignored);
	vm_call_free(vm, abort);
	vm_wait_call(vm, call, deadline_in(grace), &ignored);
}

/* The agent's report on where the call hangs; ends it in the guest. */
static void abort_call(struct vm *vm, struct vm_call *call, const char *what,
		       double waited, struct err *err)
{
	static const char *const did[] = {
		[WIRE_ABORTED_NOTHING] = "it was just over",
		[WIRE_ABORTED_COMMAND] = "the command was killed",
		[WIRE_ABORTED_EXECUTOR] = "its executor was killed, descriptors are gone",
	};
	struct vm_call *abort = submit_abort(vm, call->channel, false);
	struct wire_arena none = { 0 };
	struct wire_abort_rep rep;
	struct err ignored;

	if (!abort || vm_wait_call(vm, abort, deadline_in(GRACE_S * vm->machine.accel.slowness),
				&ignored) ||
	    abort->kind != WIRE_REPLY ||
	    wire_decode(&wire_desc_abort_rep, &rep, abort->payload.p,
			abort->payload.len, &none) ||
	    rep.aborted > WIRE_ABORTED_EXECUTOR) {
		if (abort)
			vm_call_free(vm, abort);
		vm_die(vm, ERR_GUEST, "the guest hangs: its agent does not answer any more");
		*err = vm->death;
		err->kind = ERR_TIMEOUT;
		err_context(err, "%s: no result within %.3g s", what, waited);
		return;
	}
	err_set(err, ERR_TIMEOUT, 0, "%s: no result within %.3g s; %s%s%.*s",
		what, waited, call->channel > WIRE_EXECUTOR &&
		rep.aborted == WIRE_ABORTED_EXECUTOR ? "the worker was killed" :
		did[rep.aborted], rep.report.len ? "; it was at\n" : "",
		(int)rep.report.len, (const char *)rep.report.p);
	vm_call_free(vm, abort);
	await_end(vm, call);
}

int vm_wait(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
	    const char *what, struct err *err)
{
	int64_t start = clock_ns();
	int ret = vm_wait_call(vm, call, deadline_ns, err);

	if (ret == -ETIMEDOUT)
		abort_call(vm, call, what, seconds_since(start), err);
	else if (ret)
		err_context(err, "%s", what);
	return ret;
}

int vm_simple(struct vm *vm, enum wire_op nr, const void *req, int64_t deadline_ns,
	      struct err *err)
{
	const struct wire_op_desc *op = wire_op_by_number(nr);
	uint8_t raw[512];
	size_t n = wire_encode(op->req, req, raw, sizeof(raw));
	struct vm_call *call = vm_submit(vm, WIRE_SUPERVISOR, WIRE_REQUEST, op, raw,
					 n, err);
	int ret;

	if (!call)
		return -ENOTCONN;
	ret = vm_wait_call(vm, call, deadline_ns, err);
	if (ret == -ETIMEDOUT)
		err_set(err, ERR_BROKEN, 0, "%s: the agent does not answer",
			op->name);
	vm_call_free(vm, call);
	return ret;
}
