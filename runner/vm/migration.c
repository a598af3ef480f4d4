// SPDX-License-Identifier: GPL-2.0-only
/* Saving a VM's state and loading it into a new QEMU; see migration.h. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/qemu/migrate.h"
#include "runner/vm/internal.h"
#include "runner/vm/migration.h"

/* --- the files with a guest's memory and disks --- */

void vm_set_ram(struct vm *vm, int fd, bool shared)
{
	/*
	 * A saved state refers to the memory by the name of its file; loading
	 * needs the same name.
	 */
	if (vm->ram.fd >= 0) {
		close(vm->ram.fd);
		vm->ram.named = true;
	}
	vm->ram.fd = fd;
	vm->ram.shared = shared;
}

int vm_shared_ram(const struct vm *vm)
{
	return vm->ram.shared ? vm->ram.fd : -1;
}

void vm_set_layer(struct vm *vm, size_t i, int fd)
{
	struct disk *d = &vm->machine.opts.disks[i];

	close(d->layer_fd);
	d->layer_fd = fd;
}

/* --- saving a guest's state --- */

int vm_save_devices(struct vm *vm, struct buf *state, int64_t deadline_ns,
		    struct err *err)
{
	return migrate_out(&vm->qemu.qmp, &vm->qemu.proc, state, deadline_ns, err);
}

int vm_save_all(struct vm *vm, int fd, int64_t deadline_ns, struct err *err)
{
	return migrate_to_file(&vm->qemu.qmp, &vm->qemu.proc, fd, deadline_ns, err);
}

void vm_disconnect(struct vm *vm, int64_t deadline_ns)
{
	vsock_hang_up(&vm->link.vsock, &vm->link.conn, deadline_ns);
}

int vm_connect(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	struct vsock *v = &vm->link.vsock;

	vm->state = VM_RUNNING;
	vm->link.ready = !v->cid;
	if (!v->cid)
		return 0;
	vsock_dial(v, VSOCK_ATTEMPT_S * vm->machine.accel.slowness);
	return vm_await_agent(vm, deadline_ns, err);
}

/* --- loading a guest's state into a new QEMU --- */

int vm_activate(struct vm *vm, struct err *err)
{
	return gate_run_spare(&vm->gate.pass, &vm->gate.waited_s, err);
}

int vm_start_incoming(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
		      const struct vm_incoming *in, struct err *err)
{
	int ret;

	vm->machine.opts = *opts;
	*opts = (struct vm_opts){ 0 };
	vm->machine.accel = *accel;
	vm->random.set = in->seed;
	vm->random.seed.value = in->seed ? *in->seed : 0;
	snprintf(vm->kernel_release, sizeof(vm->kernel_release), "%s",
		 in->kernel_release);
	ret = vm_launch(vm, in->seed ? LAUNCH_INCOMING_GDB : LAUNCH_INCOMING, err);
	return ret ? ret : migrate_expect(&vm->qemu.qmp, in->state_fd, false, err);
}

int vm_rewind(struct vm *vm, const char *reason, struct err *err)
{
	struct gate_pass pass = vm->gate.pass;

	vm->gate.pass = (struct gate_pass){ 0 };
	vm_kill(vm);
	vm->gate.pass = pass;
	vm_fail_calls(vm, reason);
	vm->death.err.kind = ERR_NONE;
	vm->death.panicked = false;
	return vm_reserve(vm, vm->machine.opts.memory, vm->machine.opts.cpus, true, err);
}

int vm_restart_incoming(struct vm *vm, int state_fd, struct err *err)
{
	int ret = vm_launch(vm, LAUNCH_INCOMING, err);

	return ret ? ret : migrate_expect(&vm->qemu.qmp, state_fd, true, err);
}

int vm_load(struct vm *vm, struct err *err)
{
	return migrate_in(&vm->qemu.qmp, err);
}

int vm_await_load(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	return migrate_await(&vm->qemu.qmp, &vm->qemu.proc, deadline_ns, err);
}

int vm_cont(struct vm *vm, int64_t deadline_ns, struct err *err)
{
	vm->spare.paused = false;
	return migrate_command(&vm->qemu.qmp, &vm->qemu.proc, "cont", NULL,
			       deadline_ns, err);
}

void vm_mark_ready(struct vm *vm)
{
	vm->link.ready_ns = clock_ns();
}

const struct vm_seed *vm_seed(const struct vm *vm)
{
	return vm->random.set ? &vm->random.seed : NULL;
}
