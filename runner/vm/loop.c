// SPDX-License-Identifier: GPL-2.0-only
/* The one place that waits: poll(2) over everything a VM can hear from. */
#include <errno.h>
#include <poll.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/vm/internal.h"

/* What is looked after while others are waited for. */
static struct vm *spare;

static void look_after(void);

/* Waits for something to happen and deals with it.  0, -ETIMEDOUT or -EINTR. */
int vm_step(struct vm *vm, int64_t deadline_ns)
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
	if (vm_take_frames(vm, &err)) {
		vm_die(vm, err.kind, err.text);
		return 0;
	}
	if (fds[2].revents && qmp_feed(&vm->qmp, &err)) {
		if (err.kind)
			vm_die(vm, err.kind, err.text);
		gone = 1;
	}
	if (vm->qmp.refusal.kind)
		vm_die(vm, ERR_BROKEN, vm->qmp.refusal.text);
	if (vm->qmp.stopped && !vm->rests)
		vm_qemu_stopped(vm);
	if (fds[1].revents || gone) {
		/* Closed lines without an end: QEMU is on its way out. */
		struct pollfd end = { vm->qemu.pidfd, POLLIN, 0 };

		if (vm->qemu.pid)
			poll(&end, 1, (int)(GRACE_S * 1000));
		if (proc_ended(&vm->qemu))
			vm_qemu_ended(vm);
		else
			vm_die(vm, ERR_BROKEN, vm->vsock.cid ? "the agent hung up" :
			    "QEMU closed its lines but did not end");
	}
	return 0;
}

bool vm_lives(struct vm *vm)
{
	while ((vm->state == VM_RUNNING || vm->state == VM_BOOTING) && !vm_step(vm, 0))
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
	if (spare)
		spare->registered = NULL;
	spare = vm;
	if (vm)
		vm->registered = &spare;
}
