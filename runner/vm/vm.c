// SPDX-License-Identifier: GPL-2.0-only
/* One virtual machine: the state machine and its poll set. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/qemu/console.h"
#include "runner/vm/frames.h"
#include "runner/vm/launch.h"
#include "runner/vm/vm.h"

#define TAIL_LINES 15
#define GRACE 2.0			/* seconds for what should be at once */

/* What is looked after while others are waited for. */
static struct vm *spare;

void vm_init(struct vm *vm)
{
	*vm = (struct vm){ .console_fd = -1, .stderr_fd = -1, .ram_fd = -1,
			   .gdb_fd = -1 };
	machine_init(&vm->machine);
	proc_init(&vm->qemu);
	qmp_init(&vm->qmp);
	conn_init(&vm->conn);
	vsock_init(&vm->vsock);
}

int vm_create(struct vm *vm, const char *profile, struct err *err)
{
	vm_init(vm);
	return profile_load(&vm->machine.profile, profile, err);
}

const char *vm_state_name(const struct vm *vm)
{
	static const char *const names[] = {
		[VM_NEW] = "not booted", [VM_BOOTING] = "booting",
		[VM_RUNNING] = "running", [VM_OFF] = "shut down",
		[VM_DEAD] = "dead",
	};

	return names[vm->state];
}

int vm_check_running(const struct vm *vm, struct err *err)
{
	if (vm->state == VM_RUNNING)
		return 0;
	if (vm->state == VM_DEAD && vm->death.kind)
		*err = vm->death;
	else
		err_set(err, ERR_USER, 0, "the VM (%s) is %s", vm->machine.profile.name,
			vm_state_name(vm));
	return -ENOTCONN;
}

/* --- death --- */

static void stop_all(struct vm *vm)
{
	proc_release(&vm->qemu);
	qmp_release(&vm->qmp);
	conn_release(&vm->conn);
	vsock_release(&vm->vsock);
	if (vm->gdb_fd >= 0)
		close(vm->gdb_fd);
	vm->gdb_fd = -1;
	if (spare == vm)
		spare = NULL;
	gate_leave(&vm->pass);
}

/* The VM is dead; `why` is what is known.  The console's end is added. */
static void die(struct vm *vm, enum err_kind kind, const char *why)
{
	/* What a kernel's report of its own end can begin with. */
	static const char *const reports[] = {
		"BUG: ", "kernel BUG at ", "Oops: ", "general protection fault",
		"double fault", "Kernel panic - ", NULL
	};
	char tail[6144];

	if (vm->state == VM_DEAD || vm->state == VM_OFF)
		return;
	stop_all(vm);
	console_tail(vm->console_fd, TAIL_LINES, reports, tail, sizeof(tail));
	err_set(&vm->death, kind, 0, "%s", why);
	err_add_console(&vm->death, tail);
	vm->state = VM_DEAD;
}

/* QEMU has ended: was it the guest's doing, or QEMU's? */
static void qemu_ended(struct vm *vm)
{
	static const char *const panic[] = { "Kernel panic - ", NULL };
	char line[512], said[512], why[1200];
	int status = vm->qemu.status;

	console_find(vm->console_fd, panic, line, sizeof(line));
	console_tail(vm->stderr_fd, 3, NULL, said, sizeof(said));
	vm->panicked = *line;
	if (vm->panicked)
		snprintf(why, sizeof(why), "the guest panicked: %s", line);
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "QEMU was killed by signal %d (%s)%s%s",
			 WTERMSIG(status), strsignal(WTERMSIG(status)),
			 *said ? ":" : "", said);
	else if (WEXITSTATUS(status))
		snprintf(why, sizeof(why), "QEMU exited with status %d:%s",
			 WEXITSTATUS(status), *said ? said : " it said nothing");
	else
		snprintf(why, sizeof(why), "the guest reset or powered off");
	die(vm, vm->panicked || !status ? ERR_GUEST : ERR_BROKEN, why);
}

/* QEMU has stopped the guest by itself: a disk that is full, memory that is not there. */
static void qemu_stopped(struct vm *vm)
{
	static const char *const words[] = {
		"kvm run failed", "KVM internal error", NULL
	};
	char line[512], why[1200];

	console_find(vm->stderr_fd, words, line, sizeof(line));
	snprintf(why, sizeof(why), "QEMU stopped the machine: %s%s%s",
		 *vm->qmp.disk_error ? "writing to a disk: " : "",
		 *vm->qmp.disk_error ? vm->qmp.disk_error : line,
		 *vm->qmp.disk_error || *line ? "" : "it did not say why");
	die(vm, ERR_BROKEN, why);
}

/* --- frames --- */

struct vm_call *vm_find_call(struct vm *vm, uint32_t tag)
{
	struct vm_call *call = vm->calls;

	while (call && call->tag != tag)
		call = call->next;
	return call;
}

/* --- the one place that waits --- */

static void look_after(void);

/* Waits for something to happen and deals with it.  0, -ETIMEDOUT or -EINTR. */
static int step(struct vm *vm, int64_t deadline_ns)
{
	int64_t wake_ns = deadline_ns;
	struct pollfd fds[] = {
		{ vm->conn.fd, POLLIN, 0 },
		{ vm->qemu.pidfd, POLLIN, 0 },
		{ vm->qmp.fd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
		vsock_poll(&vm->vsock, &wake_ns),
		{ spare ? spare->conn.fd : -1, POLLIN, 0 },
	};
	struct err err = { 0 };
	int n, gone;

	if (conn_wants_out(&vm->conn))
		fds[0].events |= POLLOUT;
	n = poll(fds, sizeof(fds) / sizeof(fds[0]), deadline_poll_ms(wake_ns));
	if (interrupt_pending())
		return -EINTR;
	if (n < 0)
		return 0;
	if (fds[5].revents)
		look_after();
	if (!n && wake_ns == deadline_ns)
		return -ETIMEDOUT;
	if (fds[0].revents & POLLOUT)
		conn_flush(&vm->conn);
	gone = fds[0].revents & ~POLLOUT ? conn_feed(&vm->conn) : 0;
	if (gone && vm->vsock.dialing) {
		vsock_lost(&vm->vsock, &vm->conn);
		vm->ready = false;
		gone = 0;
	}
	vsock_step(&vm->vsock, &vm->conn, fds[4].revents);
	if (gone)
		fds[0].fd = -1;
	/* Frames that arrived before the end still count. */
	if (frames_take(vm, &err)) {
		die(vm, err.kind, err.text);
		return 0;
	}
	if (fds[2].revents && qmp_feed(&vm->qmp, &err)) {
		if (err.kind)
			die(vm, err.kind, err.text);
		gone = 1;
	}
	if (vm->qmp.refusal.kind)
		die(vm, ERR_BROKEN, vm->qmp.refusal.text);
	if (vm->qmp.stopped && !vm->rests)
		qemu_stopped(vm);
	if (fds[1].revents || gone) {
		/* Closed lines without an end: QEMU is on its way out. */
		struct pollfd end = { vm->qemu.pidfd, POLLIN, 0 };

		if (vm->qemu.pid)
			poll(&end, 1, (int)(GRACE * 1000));
		if (proc_ended(&vm->qemu))
			qemu_ended(vm);
		else
			die(vm, ERR_BROKEN, vm->vsock.cid ? "the agent hung up" :
			    "QEMU closed its lines but did not end");
	}
	return 0;
}

bool vm_lives(struct vm *vm)
{
	while ((vm->state == VM_RUNNING || vm->state == VM_BOOTING) && !step(vm, 0))
		;
	return vm->state == VM_RUNNING || vm->state == VM_BOOTING;
}

/* Something has come from the spare, which is one as any other meanwhile. */
static void look_after(void)
{
	struct vm *vm = spare;

	spare = NULL;
	if (!vm_lives(vm))
		return;
	if (vm->wake->done && !vm->rests)
		vm->rests = !qmp_send(&vm->qmp, "stop", NULL);
	spare = vm;
}

void vm_look_after(struct vm *vm)
{
	spare = vm;
}

/* --- calls --- */

struct vm_call *vm_submit(struct vm *vm, uint32_t channel, enum wire_kind kind,
			  const struct wire_op_desc *op, const void *payload,
			  size_t len, struct err *err)
{
	struct wire_header hdr = {
		.len = (uint32_t)len, .channel = channel, .op = (uint16_t)op->op,
		.kind = (uint16_t)kind,
	};
	struct vm_call *call;

	if (vm_check_running(vm, err))
		return NULL;
	if (len > WIRE_MAX) {
		err_set(err, ERR_USER, -EMSGSIZE,
			"%s: %zu bytes of arguments; %u MiB is the most a call can carry",
			op->name, len, WIRE_MAX >> 20);
		return NULL;
	}
	call = xcalloc(1, sizeof(*call));
	call->tag = hdr.tag = ++vm->last_tag;
	call->channel = channel;
	call->op = op;
	call->stream_limit = vm->machine.opts.memory;
	call->next = vm->calls;
	vm->calls = call;
	conn_send(&vm->conn, &hdr, payload);	/* a loss shows in step() */
	return call;
}

void vm_call_free(struct vm *vm, struct vm_call *call)
{
	struct vm_call **at = &vm->calls;

	while (*at && *at != call)
		at = &(*at)->next;
	if (*at)
		*at = call->next;
	buf_release(&call->payload);
	buf_release(&call->stream[1]);
	buf_release(&call->stream[2]);
	free(call);
}

static int wait_done(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
		     struct err *err)
{
	int ret = 0;

	while (!ret && !call->done && vm->state != VM_DEAD)
		ret = step(vm, deadline_ns);
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
	while (!call->done && vm->state == VM_RUNNING && !step(vm, 0))
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
	double grace = GRACE * vm->machine.accel.slowness;
	struct err ignored;
	struct vm_call *abort;

	if (wait_done(vm, call, deadline_in(grace), &ignored) != -ETIMEDOUT)
		return;
	abort = submit_abort(vm, call->channel, true);
	if (!abort)
		return;
	wait_done(vm, abort, deadline_in(grace), &ignored);
	vm_call_free(vm, abort);
	wait_done(vm, call, deadline_in(grace), &ignored);
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

	if (!abort || wait_done(vm, abort, deadline_in(GRACE * vm->machine.accel.slowness),
				&ignored) ||
	    abort->kind != WIRE_REPLY ||
	    wire_decode(&wire_desc_abort_rep, &rep, abort->payload.p,
			abort->payload.len, &none) ||
	    rep.what > WIRE_ABORTED_EXECUTOR) {
		if (abort)
			vm_call_free(vm, abort);
		die(vm, ERR_GUEST, "the guest hangs: its agent does not answer any more");
		*err = vm->death;
		err->kind = ERR_TIMEOUT;
		err_context(err, "%s: no result within %.3g s", what, waited);
		return;
	}
	err_set(err, ERR_TIMEOUT, 0, "%s: no result within %.3g s; %s%s%.*s",
		what, waited, call->channel > WIRE_EXECUTOR &&
		rep.what == WIRE_ABORTED_EXECUTOR ? "the worker was killed" :
		did[rep.what], rep.report.len ? "; it was at\n" : "",
		(int)rep.report.len, (const char *)rep.report.p);
	vm_call_free(vm, abort);
	await_end(vm, call);
}

int vm_wait(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
	    const char *what, struct err *err)
{
	int64_t start = clock_ns();
	int ret = wait_done(vm, call, deadline_ns, err);

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
	ret = wait_done(vm, call, deadline_ns, err);
	if (ret == -ETIMEDOUT)
		err_set(err, ERR_BROKEN, 0, "%s: the agent does not answer",
			op->name);
	vm_call_free(vm, call);
	return ret;
}

/* --- from nothing to running --- */

/*
 * The hello and its answer.  -EAGAIN: a vsock that has lost what was said, or gone;
 * there will be another.
 */
static int greet(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	struct wire_hello hello = {
		.fingerprint = wire_fingerprint(),
		.version = { WIRE_VERSION, sizeof(WIRE_VERSION) - 1 },
	};
	int64_t limit_ns = vsock_greeted(&vm->vsock);
	uint8_t raw[64];
	size_t n = wire_encode(&wire_desc_hello, &hello, raw, sizeof(raw));
	struct vm_call *call = vm_submit(vm, WIRE_SUPERVISOR, WIRE_REQUEST,
					 wire_op_by_number(WIRE_OP_hello), raw, n,
					 err);
	int ret = 0;
	bool done;

	if (!call)
		return -ENOTCONN;
	while (!ret && !call->done && vm->ready && vm->state != VM_DEAD)
		ret = step(vm, limit_ns < deadline_ns ? limit_ns : deadline_ns);
	done = call->done;
	vm_call_free(vm, call);
	if (done || ret == -EINTR || vm->state == VM_DEAD)
		return ret;
	if (!vm->vsock.dialing || clock_ns() >= deadline_ns)
		return -ETIMEDOUT;
	if (vm->ready)
		vsock_silent(&vm->vsock, &vm->conn);
	vm->ready = false;
	return -EAGAIN;
}

static int await_agent(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	int64_t start = clock_ns();
	char why[128];
	int ret;

	do {
		ret = 0;
		while (!ret && !vm->ready && vm->state != VM_DEAD)
			ret = step(vm, deadline_ns);
		if (ret || vm->state == VM_DEAD)
			break;
		vm->state = VM_RUNNING;
		ret = greet(vm, deadline_ns, err);
	} while (ret == -EAGAIN);
	if (ret == -EINTR)
		return err_set(err, ERR_INTERRUPTED, ret, "interrupted");
	if (ret == -ETIMEDOUT) {
		snprintf(why, sizeof(why), "no hello within %.3g s",
			 seconds_since(start));
		die(vm, ERR_GUEST, why);
	}
	if (vm->state == VM_DEAD) {
		*err = vm->death;
		return -ENOTCONN;
	}
	vsock_settled(&vm->vsock);
	return ret;
}

void vm_disconnect(struct vm *vm, int64_t deadline_ns)
{
	vsock_hang_up(&vm->vsock, &vm->conn, deadline_ns);
}

int vm_connect(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	if (!vm->vsock.cid)
		return 0;
	vm->ready = false;
	vsock_dial(&vm->vsock, VM_PATIENCE * vm->machine.accel.slowness);
	return await_agent(vm, deadline_ns, err);
}

int vm_boot(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
	    struct err *err)
{
	int ret;

	if (vm->state != VM_NEW) {
		vm_opts_release(opts);
		return err_set(err, ERR_USER, -EBUSY,
			       "boot: the VM (%s) is %s; a VM boots once",
			       vm->machine.profile.name, vm_state_name(vm));
	}
	vm->machine.opts = *opts;
	*opts = (struct vm_opts){ 0 };
	vm->machine.accel = *accel;
	vm->state = VM_BOOTING;
	ret = gate_enter(&vm->pass, vm->machine.opts.memory, vm->machine.opts.cpus, &vm->waited, err);
	if (!ret)
		ret = launch_qemu(vm, false, err);
	if (!ret) {
		gate_started(&vm->pass, vm->qemu.pid);
		ret = await_agent(vm, deadline_in(vm->machine.opts.timeout), err);
	}
	if (ret) {
		err_context(err, "boot %s", vm->machine.profile.name);
		stop_all(vm);
		vm->death = *err;
		vm->state = VM_DEAD;
	}
	return ret;
}

/* --- and back --- */

void vm_shutdown(struct vm *vm, double timeout)
{
	struct wire_nothing none;
	int64_t deadline = deadline_in(timeout);
	bool asked = vm->state == VM_RUNNING;
	struct err ignored;

	if (asked &&
	    !vm_simple(vm, WIRE_OP_shutdown, &none, deadline, &ignored)) {
		struct pollfd end[] = {
			{ vm->qemu.pidfd, POLLIN, 0 },
			{ interrupt_fd(), POLLIN, 0 },
		};

		poll(end, 2, deadline_poll_ms(deadline));
	}
	/* Over vsock the answer can be lost with the guest, whose end says as much. */
	if (asked && vm->state == VM_DEAD && vm->death.kind == ERR_GUEST && !vm->panicked) {
		vm->state = VM_OFF;
		vm->death.kind = ERR_NONE;
	}
	vm_kill(vm);
}

void vm_kill(struct vm *vm)
{
	stop_all(vm);
	if (vm->state == VM_RUNNING || vm->state == VM_BOOTING)
		vm->state = VM_OFF;
}

void vm_release(struct vm *vm)
{
	vm_kill(vm);
	while (vm->calls)
		vm_call_free(vm, vm->calls);
	machine_release(&vm->machine);
	if (vm->console_fd >= 0)
		close(vm->console_fd);
	if (vm->stderr_fd >= 0)
		close(vm->stderr_fd);
	if (vm->ram_fd >= 0)
		close(vm->ram_fd);
	vm->console_fd = vm->stderr_fd = vm->ram_fd = -1;
}
