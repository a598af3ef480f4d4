// SPDX-License-Identifier: GPL-2.0-only
/* Boots a VM from its description, and shuts it down. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/vm/debugger.h"
#include "runner/vm/internal.h"

/* --- the first frames exchanged with the agent --- */

/*
 * Sends hello and waits for its answer.  -EAGAIN: this vsock connection is
 * lost, or the hello was lost on it; the runner will connect again.
 */
static int greet(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	struct wire_hello hello = {
		.fingerprint = wire_fingerprint(),
		.version = { WIRE_VERSION, sizeof(WIRE_VERSION) - 1 },
		.time_ns = clock_wall_ns(),
	};
	int64_t limit_ns = vsock_await_hello(&vm->link.vsock);
	struct vm_call *call = vm_send(vm, WIRE_OP_hello, &hello, err);
	int ret = 0;
	bool done;

	if (!call)
		return -ENOTCONN;
	while (!ret && !call->done && vm->link.ready && vm->state != VM_DEAD)
		ret = vm_step(vm, limit_ns < deadline_ns ? limit_ns : deadline_ns);
	done = call->done;
	vm_call_free(vm, call);
	if (done || ret == -EINTR || vm->state == VM_DEAD)
		return ret;
	if (!vm->link.vsock.dialing || clock_ns() >= deadline_ns)
		return -ETIMEDOUT;
	if (vm->link.ready)
		vsock_silent(&vm->link.vsock, &vm->link.conn);
	vm->link.ready = false;
	return -EAGAIN;
}

int vm_await_agent(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	int64_t start = clock_ns();
	char reason[128];
	int ret;

	do {
		ret = 0;
		while (!ret && !vm->link.ready && vm->state != VM_DEAD)
			ret = vm_step(vm, deadline_ns);
		if (ret || vm->state == VM_DEAD)
			break;
		vm->state = VM_RUNNING;
		ret = greet(vm, deadline_ns, err);
	} while (ret == -EAGAIN);
	if (ret == -EINTR)
		return err_set(err, ERR_INTERRUPTED, ret, "interrupted");
	if (ret == -ETIMEDOUT) {
		snprintf(reason, sizeof(reason), "the agent in the guest did not answer within %.3g s",
			 seconds_since(start));
		vm_die(vm, ERR_GUEST, reason);
	}
	if (vm->state == VM_DEAD) {
		*err = vm->death.err;
		return -ENOTCONN;
	}
	vsock_connected(&vm->link.vsock);
	return ret;
}

/* --- booting and shutting down a VM --- */

int vm_reserve(struct vm *vm, uint64_t memory, unsigned int cpus, bool wait,
	       struct err *err)
{
	vm->state = VM_BOOTING;
	if (vm->gate.pass.in)
		return 0;
	if (wait)
		return gate_enter(&vm->gate.pass, memory, cpus, &vm->gate.waited_s, err);
	if (!gate_enter_spare(&vm->gate.pass, memory, cpus))
		return err_set(err, ERR_BROKEN, -EBUSY, "no memory is free for a spare");
	return 0;
}

int vm_boot(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
	    struct err *err)
{
	struct machine *m = &vm->machine;
	int ret;

	if (vm->state != VM_NEW) {
		vm_opts_release(opts);
		return err_set(err, ERR_USER, -EBUSY,
			       "boot: the VM (%s) is %s; a VM boots once",
			       m->profile.name, vm_state_name(vm));
	}
	m->opts = *opts;
	*opts = (struct vm_opts){ 0 };
	m->accel = *accel;
	ret = vm_reserve(vm, m->opts.memory, m->opts.cpus, true, err);
	if (!ret)
		ret = vm_launch(vm, LAUNCH_BOOT, err);
	if (!ret)
		ret = vm_await_agent(vm, deadline_in(m->opts.timeout), err);
	if (ret) {
		err_context(err, "boot %s", m->profile.name);
		vm_end_qemu(vm);
		vm->death.err = *err;
		vm->state = VM_DEAD;
	}
	return ret;
}

/*
 * Returns true if the agent has agreed to power off.  QEMU may have ended by
 * then.
 */
static bool ask_to_power_off(struct vm *vm, int64_t deadline_ns)
{
	struct wire_nothing nothing;
	struct err ignored;
	struct vm_call *call = vm_send(vm, WIRE_OP_shutdown, &nothing, &ignored);
	int ret;

	if (!call)
		return false;
	ret = vm_wait_call(vm, call, deadline_ns, &ignored);
	vm_call_free(vm, call);
	return !ret;
}

void vm_shutdown(struct vm *vm, double timeout_s)
{
	int64_t deadline_ns = deadline_in(timeout_s);
	bool running = vm->state == VM_RUNNING;
	struct err ignored;

	vm_keep_corpse(vm, false, &ignored);
	if (running && ask_to_power_off(vm, deadline_ns)) {
		struct pollfd end[] = {
			{ vm->qemu.proc.pidfd, POLLIN, 0 },
			{ interrupt_fd(), POLLIN, 0 },
		};

		/* The QEMU of a recorded guest stops, but does not end. */
		while (vm->recording.rr && vm->state == VM_RUNNING &&
		       !vm_step(vm, deadline_ns))
			;
		if (!vm->recording.rr)
			poll(end, 2, deadline_poll_ms(deadline_ns));
	}
	/*
	 * Over vsock the answer can be lost.  Then the guest's end counts as
	 * the answer.
	 */
	if (running && vm->state == VM_DEAD && vm->death.err.kind == ERR_GUEST &&
	    !vm->death.panicked) {
		vm->state = VM_OFF;
		vm->death.err.kind = ERR_NONE;
	}
	vm_kill(vm);
}
