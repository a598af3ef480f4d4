// SPDX-License-Identifier: GPL-2.0-only
/* A VM's life: from a description to a running guest, and back. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/vm/launch.h"
#include "runner/vm/internal.h"

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
		ret = vm_step(vm, limit_ns < deadline_ns ? limit_ns : deadline_ns);
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
			ret = vm_step(vm, deadline_ns);
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
		vm_die(vm, ERR_GUEST, why);
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
		vm_end_qemu(vm);
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
	vm_end_qemu(vm);
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
