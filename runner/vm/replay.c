// SPDX-License-Identifier: GPL-2.0-only
/* Replays a recording; see replay.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/qemu/console.h"
#include "runner/vm/debugger.h"
#include "runner/vm/internal.h"
#include "runner/vm/recording.h"
#include "runner/vm/replay.h"

/*
 * Seconds without a new instruction after which a replay is stuck.  A replay
 * does not wait while the recorded guest slept.
 */
#define STUCK_S 30
#define PROGRESS_S 10
/* The time between two questions while the guest executes instructions. */
#define BUSY_MS 5

int vm_replay_start(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
		    unsigned int shift, int log_fd, struct err *err)
{
	struct machine *m = &vm->machine;
	int ret;

	m->opts = *opts;
	*opts = (struct vm_opts){ 0 };
	m->accel = *accel;
	vm->recording.rr = RR_REPLAY;
	vm->recording.shift = shift;
	vm->recording.log_fd = log_fd;
	ret = vm_reserve(vm, m->opts.memory, m->opts.cpus, true, err);
	return ret ? ret : vm_launch(vm, LAUNCH_BOOT, err);
}

/*
 * Reports that QEMU has ended.  It ends if the guest does not do what the log
 * says.
 */
static int ended(struct vm *vm, struct err *err)
{
	char said[512];

	console_tail(vm->output.stderr_fd, 3, NULL, said, sizeof(said));
	return err_set(err, ERR_USER, -EIO, "QEMU cannot go on with the replay:%s",
		       *said ? said : " it gives no reason");
}

/* Drops what the guest has sent to the agent's port. */
static void drop_output(struct conn *c)
{
	conn_feed(c);
	c->in.len = 0;
}

/*
 * Waits for at most that long; handles what has happened.  gdb: a socket, or
 * -1; *gone becomes true when its other end is closed.
 */
static int step_also(struct vm *vm, int timeout_ms, int gdb, bool *gone, struct err *err)
{
	struct pollfd fds[] = {
		{ vm->link.conn.fd, POLLIN, 0 }, { vm->qemu.qmp.fd, POLLIN, 0 },
		{ vm->qemu.proc.pidfd, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 },
		{ gdb, POLLRDHUP, 0 },
	};

	poll(fds, 5, timeout_ms);
	*gone = fds[4].revents;
	if (interrupt_pending())
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	if (fds[0].revents & POLLIN)
		drop_output(&vm->link.conn);
	if (fds[1].revents && qmp_feed(&vm->qemu.qmp, err))
		return ended(vm, err);
	return fds[2].revents ? ended(vm, err) : 0;
}

static int step(struct vm *vm, int timeout_ms, struct err *err)
{
	bool ignored;

	return step_also(vm, timeout_ms, -1, &ignored, err);
}

/*
 * Waits until QEMU has stopped the guest.  Where the recorded guest slept until
 * bytes came from outside, QEMU's main thread now sleeps until its next timer
 * before it looks for these bytes in the log, unless a question wakes it.
 */
static int await_stop(struct vm *vm, replay_progress *progress, void *arg, struct err *err)
{
	int64_t start = clock_ns(), since = start, told = start;
	uint64_t before = 0, count = 1;
	int ret = 0;

	while (!ret && !vm->qemu.qmp.stopped) {
		ret = step(vm, count == before ? 0 : BUSY_MS, err);
		if (ret || vm->qemu.qmp.stopped)
			continue;
		before = count;
		ret = vm_icount(vm, &count, err);
		if (!ret && count == before && seconds_since(since) > STUCK_S)
			ret = err_set(err, ERR_USER, -EIO,
				      "the replay stands still at instruction %llu",
				      (unsigned long long)count);
		if (count != before)
			since = clock_ns();
		if (!ret && seconds_since(told) >= PROGRESS_S) {
			progress(count, seconds_since(start), arg);
			told = clock_ns();
		}
	}
	return ret;
}

int vm_replay_run(struct vm *vm, uint64_t until, replay_progress *progress, void *arg,
		  uint64_t *count, struct err *err)
{
	int64_t deadline_ns = deadline_in(STUCK_S);
	int ret = vm_icount(vm, count, err);

	if (ret || *count == until || vm->qemu.qmp.shut_down)
		return ret;
	if (until < *count)
		return err_set(err, ERR_USER, -EINVAL, "cannot go to instruction %llu: the guest has executed %llu already",
			       (unsigned long long)until, (unsigned long long)*count);
	if (until != REPLAY_TO_END)
		ret = vm_command(vm, "replay-break",
				 json_pack("{s:I}", "icount", (json_int_t)until),
				 deadline_ns, err);
	if (!ret)
		ret = vm_command(vm, "cont", NULL, deadline_ns, err);
	if (!ret)
		ret = await_stop(vm, progress, arg, err);
	return ret ? ret : vm_icount(vm, count, err);
}

int vm_replay_serve(struct vm *vm, int fd, struct err *err)
{
	bool gone = false;
	int ret = vm_debug_start(vm, fd, false, err);

	while (!ret && !gone)
		ret = step_also(vm, 1000, fd, &gone, err);
	/* gdb makes QEMU end ("kill"), or closes the socket. */
	return gone ? 0 : ret;
}
