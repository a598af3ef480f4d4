// SPDX-License-Identifier: GPL-2.0-only
/* The only file that waits: poll(2) over every source of events of a VM. */
#include <errno.h>
#include <poll.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/vm/internal.h"

enum source { AGENT, QEMU, QMP, SIGNALS, DIALING, SPARE, NR_SOURCES };

static struct vm *spare;

static void service_spare(void);

/* --- visitors --- */

static bool serves_visitors;

static size_t poll_visitors(struct pollfd *fds)
{
	return vm_visitors && !serves_visitors ? vm_visitors->poll(fds) : 0;
}

/* What visitors do can call vm_step(), which must not serve them again. */
static void serve_visitors(const struct pollfd *fds, size_t nr)
{
	bool any = false;

	for (size_t i = 0; i < nr; i++)
		any |= fds[i].revents != 0;
	if (!any)
		return;
	serves_visitors = true;
	vm_visitors->step(fds);
	serves_visitors = false;
}

#define MOST_FDS (NR_SOURCES + VM_ALSO_MAX + VM_VISITORS_MAX)

/*
 * Does what poll(2) does.  poll(2) itself fails if it gets more entries than
 * this process may open files, and counts those that it ignores (fd -1).
 */
static int poll_open(struct pollfd *fds, size_t nr, int64_t deadline_ns)
{
	struct pollfd open[MOST_FDS];
	size_t nr_open = 0, seen = 0;
	int n;

	for (size_t i = 0; i < nr; i++) {
		fds[i].revents = 0;
		if (fds[i].fd >= 0)
			open[nr_open++] = fds[i];
	}
	n = poll(open, nr_open, deadline_poll_ms(deadline_ns));
	for (size_t i = 0; n > 0 && i < nr; i++)
		if (fds[i].fd >= 0)
			fds[i].revents = open[seen++].revents;
	return n;
}

int vm_idle(int64_t deadline_ns, struct pollfd *also, size_t nr_also)
{
	struct pollfd fds[MOST_FDS] = { { interrupt_fd(), POLLIN, 0 } };
	size_t nr = 1 + nr_also, nr_visitors;
	int n;

	for (size_t i = 0; i < nr_also; i++)
		fds[1 + i] = also[i];
	nr_visitors = poll_visitors(fds + nr);
	n = poll_open(fds, nr + nr_visitors, deadline_ns);
	for (size_t i = 0; i < nr_also; i++)
		also[i].revents = n > 0 ? fds[1 + i].revents : 0;
	if (interrupt_pending())
		return -EINTR;
	if (n > 0)
		serve_visitors(fds + nr, nr_visitors);
	return n ? 0 : -ETIMEDOUT;
}

/* --- a VM --- */

/*
 * Handles the connection to the agent.  Returns true if the agent has closed it
 * for good.
 */
static bool handle_link(struct vm *vm, short agent, short dialing)
{
	bool gone = false;

	if (agent & POLLOUT)
		conn_flush(&vm->link.conn);
	if (agent & ~POLLOUT)
		gone = conn_feed(&vm->link.conn);
	/*
	 * A vsock connection is not established until the agent has answered on
	 * it.
	 */
	if (gone && vm->link.vsock.dialing) {
		vsock_lost(&vm->link.vsock, &vm->link.conn);
		vm->link.ready = false;
		gone = false;
	}
	vsock_step(&vm->link.vsock, &vm->link.conn, dialing);
	return gone;
}

/* Handles the connection to QMP.  Returns true if QEMU has closed it. */
static bool handle_qmp(struct vm *vm, short revents)
{
	struct qmp *q = &vm->qemu.qmp;
	struct err err = { 0 };
	bool gone = revents && qmp_feed(q, &err);

	if (err.kind)
		vm_die(vm, err.kind, err.text);
	if (q->refusal.kind)
		vm_die(vm, ERR_BROKEN, q->refusal.text);
	if (q->stopped && q->shut_down)
		vm_qemu_ended(vm);
	else if (q->stopped && !vm->spare.paused && !vm->debug.on && !vm->kept)
		vm_qemu_stopped(vm);
	return gone;
}

/*
 * Handles that QEMU has ended, or that a connection was closed because QEMU is
 * about to end.
 */
static void handle_end(struct vm *vm)
{
	struct pollfd end = { vm->qemu.proc.pidfd, POLLIN, 0 };

	if (vm->qemu.proc.pid)
		poll(&end, 1, (int)(GRACE_S * 1000));
	if (proc_ended(&vm->qemu.proc))
		vm_qemu_ended(vm);
	else
		vm_die(vm, ERR_BROKEN, vm->link.vsock.cid ?
		       "the agent closed its connection" :
		       "QEMU closed its connections but did not end");
}

/* Handles what poll(2) has reported. */
static int handle(struct vm *vm, const struct pollfd fds[NR_SOURCES], bool timed_out)
{
	struct err err = { 0 };
	bool gone;

	if (fds[SPARE].revents)
		service_spare();
	if (timed_out)
		return -ETIMEDOUT;
	gone = handle_link(vm, fds[AGENT].revents, fds[DIALING].revents);
	/* Frames that arrived before the end still count. */
	if (vm_take_frames(vm, &err)) {
		vm_die(vm, err.kind, err.text);
		return 0;
	}
	/*
	 * A guest that asks for modules and does not read them must not make
	 * the queue grow.
	 */
	if (vm->link.wants_modules && vm->state == VM_RUNNING &&
	    !conn_wants_out(&vm->link.conn))
		vm_send_modules(vm);
	gone |= handle_qmp(vm, fds[QMP].revents);
	if (fds[QEMU].revents || gone)
		handle_end(vm);
	return 0;
}

int vm_step(struct vm *vm, int64_t deadline_ns)
{
	return vm_step_also(vm, deadline_ns, NULL, 0);
}

int vm_step_also(struct vm *vm, int64_t deadline_ns, struct pollfd *also, size_t nr_also)
{
	int64_t wake_ns = deadline_ns;
	struct pollfd fds[MOST_FDS] = {
		[AGENT] = { vm->link.conn.fd, POLLIN, 0 },
		[QEMU] = { vm->qemu.proc.pidfd, POLLIN, 0 },
		[QMP] = { vm->qemu.qmp.fd, POLLIN, 0 },
		[SIGNALS] = { interrupt_fd(), POLLIN, 0 },
		[DIALING] = vsock_poll(&vm->link.vsock, &wake_ns),
		[SPARE] = { spare ? spare->link.conn.fd : -1, POLLIN, 0 },
	};
	size_t nr = NR_SOURCES + nr_also, nr_visitors;
	int n, ret;

	if (conn_wants_out(&vm->link.conn))
		fds[AGENT].events |= POLLOUT;
	for (size_t i = 0; i < nr_also; i++)
		fds[NR_SOURCES + i] = also[i];
	nr_visitors = poll_visitors(fds + nr);
	n = poll_open(fds, nr + nr_visitors, wake_ns);
	for (size_t i = 0; i < nr_also; i++)
		also[i].revents = n > 0 ? fds[NR_SOURCES + i].revents : 0;
	if (interrupt_pending())
		return -EINTR;
	if (n < 0)
		return 0;
	ret = handle(vm, fds, !n && wake_ns == deadline_ns);
	serve_visitors(fds + nr, nr_visitors);
	return ret;
}

bool vm_lives(struct vm *vm)
{
	while ((vm->state == VM_RUNNING || vm->state == VM_BOOTING) && !vm_step(vm, 0))
		;
	return vm->state == VM_RUNNING || vm->state == VM_BOOTING;
}

/* --- the spare, a clone for the next test --- */

/* Handles a frame that has arrived from the spare. */
static void service_spare(void)
{
	struct vm *vm = spare;

	spare = NULL;	/* while the loop handles it, vm_step() must not call
			 * this function again */
	if (!vm_lives(vm))
		return;
	if (vm->spare.call->done && !vm->spare.paused)
		vm->spare.paused = !qmp_send(&vm->qemu.qmp, "stop", NULL);
	spare = vm;
}

void vm_set_spare(struct vm *vm, struct vm_call *call)
{
	if (spare)
		spare->spare.slot = NULL;
	spare = vm;
	vm->spare.slot = &spare;
	vm->spare.call = call;
}

struct vm_call *vm_take_spare(struct vm *vm, bool *paused)
{
	struct vm_call *call = vm->spare.call;

	if (vm->spare.slot)
		spare = NULL;
	vm->spare.slot = NULL;
	vm->spare.call = NULL;
	*paused = vm->spare.paused;
	return call;
}
