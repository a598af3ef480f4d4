// SPDX-License-Identifier: GPL-2.0-only
/* A VM's state within one test file; see snapshot.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/sparse.h"
#include "runner/qemu/migrate.h"
#include "runner/vm/launch.h"
#include "runner/vm/snapshot.h"
#include "runner/vm/store.h"
#include "runner/vm/wake.h"

void snapshot_init(struct snapshot *s)
{
	*s = (struct snapshot){ .state_fd = -1 };
}

void snapshot_release(struct snapshot *s)
{
	if (s->state_fd >= 0)
		close(s->state_fd);
	for (size_t i = 0; i < s->nr_layers; i++)
		if (s->layer_fds[i] >= 0)
			close(s->layer_fds[i]);
	free(s->layer_fds);
	snapshot_init(s);
}

static int can_be_taken(const struct vm *vm, struct err *err)
{
	if (vm_check_running(vm, err))
		return -ENOTCONN;
	for (const struct vm_call *call = vm->calls; call; call = call->next)
		if (!call->done)
			return err_set(err, ERR_USER, -EBUSY,
				       "%s is still in flight: wait for it first",
				       call->op->name);
	for (size_t i = 0; i < vm->opts.nr_disks; i++) {
		const struct disk *d = &vm->opts.disks[i];

		if (!d->readonly && !d->layer_fd)
			return err_set(err, ERR_USER, -EROFS,
				       "disk %s is written directly, and nothing brings it back: boot it with readonly = true, or in a fixture",
				       d->path);
	}
	return 0;
}

/* Written by a QEMU that is stopped: nothing of it is in a cache of its own. */
static int copy_layers(struct snapshot *s, const struct vm *vm, struct err *err)
{
	s->layer_fds = xcalloc(vm->opts.nr_disks + 1, sizeof(int));
	for (size_t i = 0; i < vm->opts.nr_disks; i++) {
		int fd = vm->opts.disks[i].layer_fd;

		s->layer_fds[s->nr_layers++] = -1;
		if (fd)
			s->layer_fds[i] = sparse_copy(store_path(), fd, err);
		if (fd && s->layer_fds[i] < 0)
			return s->layer_fds[i];
	}
	return 0;
}

int snapshot_take(struct snapshot *s, struct vm *vm, struct err *err)
{
	int64_t deadline = wake_deadline(vm);
	struct wire_settle_rep rep;
	int ret = can_be_taken(vm, err);

	snapshot_init(s);
	if (!ret)
		ret = wake_settle(vm, "snapshot", false, &rep, err);
	if (!ret) {
		s->state_fd = memfd_create("snapshot", MFD_CLOEXEC);
		if (s->state_fd < 0)
			ret = err_set(err, ERR_BROKEN, -errno, "memfd: %s",
				      strerror(errno));
	}
	if (!ret) {
		vm_disconnect(vm, deadline);
		ret = migrate_to_file(&vm->qmp, &vm->qemu, s->state_fd, deadline,
				      err);
		if (!ret)
			ret = copy_layers(s, vm, err);
		if (!ret)
			ret = migrate_command(&vm->qmp, &vm->qemu, "cont", NULL,
					      deadline, err);
		if (!ret)
			ret = vm_connect(vm, deadline, err);
		if (ret)
			vm_kill(vm);	/* it stands still, who knows where */
	}
	if (ret) {
		snapshot_release(s);
		return ret;
	}
	s->log_next = rep.log;
	s->plain = rep.plain;
	s->of = vm;
	return 0;
}

/* What was in flight has no answer any more. */
static void fail_calls(struct vm *vm)
{
	static const char text[] = "the VM went back to a snapshot meanwhile";
	struct wire_fail fail = {
		.why = WIRE_WHY_GONE, .text = { text, sizeof(text) - 1 },
	};
	uint8_t raw[128];
	size_t n = wire_encode(&wire_desc_fail, &fail, raw, sizeof(raw));

	for (struct vm_call *call = vm->calls; call; call = call->next) {
		if (call->done)
			continue;
		call->payload.len = 0;
		buf_add(&call->payload, raw, n);
		call->kind = WIRE_FAIL;
		call->done = true;
	}
}

/* Memory of its own; for a VM that is to be saved, a file again. */
static int new_memory(struct vm *vm, struct err *err)
{
	if (vm->ram_fd >= 0) {
		close(vm->ram_fd);
		vm->ram_fd = -1;
		vm->ram_named = true;
	}
	if (!vm->ram_shared)
		return 0;
	vm->ram_fd = sparse_create(store_path(), vm->opts.memory, err);
	return vm->ram_fd < 0 ? vm->ram_fd : 0;
}

static int new_layers(const struct snapshot *s, struct vm *vm, struct err *err)
{
	for (size_t i = 0; i < s->nr_layers; i++) {
		struct disk *d = &vm->opts.disks[i];
		int fd;

		if (s->layer_fds[i] < 0)
			continue;
		fd = sparse_copy(store_path(), s->layer_fds[i], err);
		if (fd < 0)
			return fd;
		close(d->layer_fd);
		d->layer_fd = fd;
	}
	return 0;
}

/* A new QEMU that loads the state. */
static int relaunch(const struct snapshot *s, struct vm *vm, struct err *err)
{
	int ret = launch_qemu(vm, true, err);

	if (ret)
		return ret;
	gate_started(&vm->pass, vm->qemu.pid);
	ret = migrate_expect(&vm->qmp, s->state_fd, true, err);
	if (!ret)
		ret = migrate_in(&vm->qmp, err);
	if (!ret)
		ret = migrate_await(&vm->qmp, &vm->qemu, wake_deadline(vm), err);
	return ret ? ret : migrate_command(&vm->qmp, &vm->qemu, "cont", NULL,
					   wake_deadline(vm), err);
}

/* What it has reserved at the gate, the next QEMU takes over. */
static void stop_but_stay(struct vm *vm)
{
	struct gate_pass pass = vm->pass;

	vm->pass = (struct gate_pass){ 0 };
	vm_kill(vm);
	vm->pass = pass;
}

int snapshot_restore(const struct snapshot *s, struct vm *vm, struct err *err)
{
	int ret;

	if (s->of != vm || s->state_fd < 0)
		return err_set(err, ERR_USER, -EINVAL,
			       "this snapshot is of another VM");
	stop_but_stay(vm);
	fail_calls(vm);
	vm->death.kind = ERR_NONE;
	vm->panicked = false;
	vm->state = VM_BOOTING;
	ret = new_memory(vm, err);
	if (!ret)
		ret = new_layers(s, vm, err);
	if (!ret && !vm->pass.in)
		ret = gate_enter(&vm->pass, vm->opts.memory, vm->opts.cpus,
				 &vm->waited, err);
	if (!ret)
		ret = relaunch(s, vm, err);
	if (!ret) {
		vm->state = VM_RUNNING;
		ret = vm_connect(vm, wake_deadline(vm), err);
	}
	if (!ret)
		ret = wake_begin(vm, s->plain, !vm->seeded, err);
	if (!ret)
		ret = wake_end(vm, err);
	if (ret)
		vm_kill(vm);
	return ret;
}
