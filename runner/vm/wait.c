// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for the answer to a call, and ending a call that takes too long. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/vm/internal.h"

/* How often a recorded VM's log is looked at during a call. */
#define LOG_LOOK_S 0.5
/*
 * The bytes that the log may grow by while a call is aborted.  A guest that
 * answers needs less than a hundredth of it.
 */
#define MAX_ABORT_LOG (8 << 20)

/*
 * Can the VM answer a call? False also after a shutdown or a kill by the test,
 * unlike state != VM_DEAD.
 */
static bool can_answer(const struct vm *vm)
{
	return vm->state == VM_RUNNING || vm->state == VM_BOOTING;
}

/* Returns what vm_wait_call() returns when its wait has ended with ret. */
static int ended(struct vm *vm, const struct vm_call *call, int ret, struct err *err)
{
	if (call->print_error && !interrupt_pending())
		return err_set(err, ERR_BROKEN, -EIO, "cannot write the output: %s",
			       strerror(call->print_error));
	if (call->done && !call->print_error)
		return 0;
	if (!can_answer(vm))
		return vm_check_running(vm, err);
	if (call->print_error)
		ret = -EINTR;
	if (ret == -EINTR)
		err_set(err, ERR_INTERRUPTED, 0, "interrupted%s%s",
			*vm->look.state ? "; in the guest: " : "", vm->look.state);
	return ret;
}

/* As vm_look_step(), but 0 also after a while if vm is a recorded VM. */
static int step(struct vm *vm, struct vm_call *call, int64_t limit_ns)
{
	int64_t look_ns = deadline_in(LOG_LOOK_S);
	int ret;

	if (vm->recording.rr != RR_RECORD || look_ns >= limit_ns)
		return vm_look_step(vm, call, limit_ns);
	ret = vm_look_step(vm, call, look_ns);
	return ret == -ETIMEDOUT ? 0 : ret;
}

int vm_wait_call(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
		 struct err *err)
{
	int64_t start_ns = clock_ns();
	int ret = 0;

	while (!ret && !call->done && !call->print_error && can_answer(vm)) {
		int64_t limit_ns = vm_oops_limit(vm, start_ns, deadline_ns);

		ret = call->blocked ? -ETIMEDOUT : step(vm, call, limit_ns);
		if (!ret && (clock_ns() >= limit_ns || vm_log_overflows(vm)))
			ret = -ETIMEDOUT;	/* output that never ends */
	}
	ret = ended(vm, call, ret, err);
	vm_look_end(vm);
	return ret;
}

static bool has_data(const struct vm_call *call)
{
	return call->reply.stream[1].len || call->reply.stream[2].len;
}

bool vm_wait_data(struct vm *vm, struct vm_call *call, int64_t deadline_ns)
{
	while (!call->done && !has_data(call) && !call->blocked && can_answer(vm) &&
	       clock_ns() < deadline_ns &&
	       !vm_look_step(vm, call, vm_oops_limit(vm, call->sent_ns, deadline_ns)))
		;
	if (has_data(call))
		vm_look_end(vm);
	return has_data(call) && clock_ns() < deadline_ns;
}

bool vm_call_done(struct vm *vm, struct vm_call *call)
{
	while (!call->done && vm->state == VM_RUNNING && !vm_step(vm, 0))
		;
	return call->done || vm->state != VM_RUNNING;
}

/* --- a call that has passed its deadline --- */

static int64_t grace(const struct vm *vm)
{
	return deadline_in(GRACE_S * vm->machine.accel.slowness);
}

static struct vm_call *send_abort(struct vm *vm, uint32_t channel, bool abandon)
{
	struct wire_abort_req req = { .channel = channel, .abandon = abandon };
	struct err ignored;

	return vm_send(vm, WIRE_OP_abort, &req, &ignored);
}

/*
 * Waits for the answer to the request `abort`, and frees it.  Returns the
 * answer, whose report is a string to be freed; or fails with -ETIMEDOUT if
 * none arrived in time or it is malformed, -EINTR, or -ENOTCONN if the VM is
 * dead.  err is filled if it returns -EINTR.
 */
static int get_report(struct vm *vm, struct vm_call *abort, enum wire_aborted *aborted,
		      char **report, struct err *err)
{
	struct wire_arena none = { 0 };
	struct wire_abort_rep rep;
	int ret;

	*report = NULL;
	if (!abort)
		return -ENOTCONN;
	ret = vm_wait_call(vm, abort, grace(vm), err);
	if (!ret && (abort->reply.kind != WIRE_REPLY ||
		     wire_decode(&wire_desc_abort_rep, &rep, abort->reply.payload.p,
				 abort->reply.payload.len, &none) ||
		     rep.aborted > WIRE_ABORTED_EXECUTOR))
		ret = -ETIMEDOUT;
	if (!ret) {
		*aborted = rep.aborted;
		*report = xasprintf("%.*s", (int)rep.report.len, (const char *)rep.report.p);
	}
	vm_call_free(vm, abort);
	return ret;
}

/*
 * The guest does not answer: makes its kernel report what its processors do,
 * and ends the VM.  err gets the death report.  why: what shortened the time
 * limit, or "".
 */
static void end_hung_guest(struct vm *vm, const char *label, double waited_s,
			   const char *why, struct err *err)
{
	vm->death.hung = true;
	/*
	 * The agent has set the kernel to panic on an NMI (agent/guest/boot.c).
	 * QEMU does not record an NMI, so a recording ends while the guest
	 * hangs.
	 */
	if (!vm->recording.rr && !qmp_send(&vm->qemu.qmp, "inject-nmi", NULL)) {
		int64_t deadline_ns = grace(vm);

		while (can_answer(vm) && !vm_step(vm, deadline_ns))
			;
	}
	vm_die(vm, ERR_GUEST, VM_HANGS);
	err_set(err, ERR_TIMEOUT, 0, "%s: no result within %.3g s%s, and %s",
		label, waited_s, why, VM_HANGS);
	err->console_at = strlen(err->text);
	snprintf(err->text + err->console_at, sizeof(err->text) - err->console_at, "%s",
		 vm->death.err.text + vm->death.err.console_at);
}

/*
 * Waits for the aborted call's last frame; then its channel is free.  The agent
 * gives up an executor that does not die in time.  If a task of the call loops
 * in the kernel, the guest's log has a report on it.  Returns false if the
 * agent does not answer any more.
 */
static bool await_end(struct vm *vm, struct vm_call *call)
{
	struct err ignored;
	bool is_stuck = vm_wait_call(vm, call, grace(vm), &ignored) == -ETIMEDOUT;
	bool abandon = is_stuck && call->channel != WIRE_SUPERVISOR;
	enum wire_aborted aborted;
	char *report;
	int ret = get_report(vm, send_abort(vm, call->channel, abandon), &aborted, &report,
			     &ignored);

	free(report);
	if (!ret && is_stuck)
		vm_wait_call(vm, call, grace(vm), &ignored);
	return ret != -ETIMEDOUT;
}

/* Returns what has shortened the time limit, for a message, or "". */
static const char *shortened_by(const struct vm *vm, const struct vm_call *call)
{
	if (call->blocked)
		return " (it is blocked, and the guest is idle; vm.timeout = 120 waits longer)";
	if (vm_log_overflows(vm))
		return " (the call has made 64 MiB of recording, the most that it may)";
	return vm->oops.since_ns ? " (the kernel's report shortened the limit)" : "";
}

/*
 * Ends the call in the guest.  err tells what the abort ended, and where the
 * call hung.
 */
static void abort_call(struct vm *vm, struct vm_call *call, const char *label,
		       double waited_s, struct err *err)
{
	static const char *const effects[] = {
		[WIRE_ABORTED_NOTHING] = "it ended while it was being aborted",
		[WIRE_ABORTED_COMMAND] = "the command was killed",
		[WIRE_ABORTED_EXECUTOR] = "its executor was killed, descriptors are gone",
	};
	struct vm_call *abort = send_abort(vm, call->channel, false);
	const char *why = shortened_by(vm, call);
	bool worker = call->channel > WIRE_EXECUTOR;
	enum wire_aborted aborted;
	char *report;
	int ret;

	vm_limit_log(vm, MAX_ABORT_LOG);
	call->blocked_s = 0;
	call->blocked = false;
	ret = get_report(vm, abort, &aborted, &report, err);
	if (ret == -EINTR)
		return;
	if (!ret)
		err_set(err, ERR_TIMEOUT, 0, "%s: no result within %.3g s%s; %s%s%s",
			label, waited_s, why,
			worker && aborted == WIRE_ABORTED_EXECUTOR ? "the worker was killed" :
			effects[aborted], *report ? "; it was at\n" : "", report);
	free(report);
	if (ret || !await_end(vm, call))
		end_hung_guest(vm, label, waited_s, why, err);
}

int vm_wait(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
	    const char *label, struct err *err)
{
	int ret = vm_wait_call(vm, call, deadline_ns, err);

	if (ret == -ETIMEDOUT)
		abort_call(vm, call, label, seconds_since(call->sent_ns), err);
	else if (ret)
		err_context(err, "%s", label);
	return ret;
}

/* --- requests that the runner makes by itself --- */

/* Puts the agent's own error message into err, if the answer has one. */
static int agent_failed(const struct vm_call *call, struct err *err)
{
	const struct buf *payload = &call->reply.payload;
	struct wire_arena none = { 0 };
	struct wire_fail fail = { 0 };

	wire_decode(&wire_desc_fail, &fail, payload->p, payload->len, &none);
	return err_set(err, ERR_BROKEN, -EIO, "%s: the agent failed: %.*s",
		       call->op->name, (int)fail.text.len,
		       fail.text.len ? (const char *)fail.text.p : "");
}

int vm_finish(struct vm *vm, struct vm_call *call, void *rep, int64_t deadline_ns,
	      struct err *err)
{
	struct wire_arena none = { 0 };
	int ret = vm_wait(vm, call, deadline_ns, call->op->name, err);

	if (!ret && (call->reply.kind != WIRE_REPLY ||
		     wire_decode(call->op->rep, rep, call->reply.payload.p,
				 call->reply.payload.len, &none)))
		ret = agent_failed(call, err);
	vm_call_free(vm, call);
	return ret;
}

int vm_request(struct vm *vm, enum wire_op op, const void *req, void *rep,
	       int64_t deadline_ns, struct err *err)
{
	struct vm_call *call = vm_send(vm, op, req, err);

	return call ? vm_finish(vm, call, rep, deadline_ns, err) : -ENOTCONN;
}
