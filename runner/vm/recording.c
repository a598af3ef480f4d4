// SPDX-License-Identifier: GPL-2.0-only
/* A recorded VM: its instruction count, its log, its end; see recording.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/qemu/console.h"
#include "runner/vm/internal.h"
#include "runner/vm/recording.h"

#define COPY_BYTES (1 << 20)
/*
 * The bytes of the log that one call may add: ten million PAUSE instructions.
 * A replay takes two seconds for each MB of them.
 */
#define MAX_CALL_LOG (64 << 20)

void vm_recorded_accel(struct accel *accel)
{
	accel->kind = ACCEL_TCG;
	accel->transport = TRANSPORT_SERIAL;
	accel->tsc_khz = RECORDED_TSC_KHZ;
	accel->slowness *= RECORDED_SLOWNESS;
	snprintf(accel->reason, sizeof(accel->reason), "recorded");
}

static off_t log_size(const struct vm *vm)
{
	struct stat st = { 0 };

	fstat(vm->recording.log_fd, &st);
	return st.st_size;
}

bool vm_log_overflows(const struct vm *vm)
{
	return vm->recording.rr == RR_RECORD &&
	       log_size(vm) > vm->recording.log_limit;
}

void vm_limit_log(struct vm *vm, off_t more)
{
	vm->recording.log_limit = log_size(vm) + more;
}

void vm_record(struct vm *vm, unsigned int shift, int log_fd)
{
	vm->recording.rr = RR_RECORD;
	vm->recording.shift = shift;
	vm->recording.log_fd = log_fd;
	vm_limit_log(vm, MAX_CALL_LOG);
}

bool vm_recording(const struct vm *vm, struct recording_info *info)
{
	*info = (struct recording_info){
		.kernel = vm->recording.kernel, .initrd = vm->recording.initrd,
		.whole = vm->recording.ended, .end = vm->recording.end,
	};
	return vm->recording.rr == RR_RECORD;
}

int vm_command(struct vm *vm, const char *name, json_t *arguments, int64_t deadline_ns,
	       struct err *err)
{
	struct qmp *q = &vm->qemu.qmp;
	int ret = qmp_send(q, name, arguments);

	while (!ret && q->answered != q->sent) {
		struct pollfd fds[] = {
			{ q->fd, POLLIN, 0 }, { vm->qemu.proc.pidfd, POLLIN, 0 },
		};
		int n = poll(fds, 2, deadline_poll_ms(deadline_ns));

		if (!n)
			ret = -ETIMEDOUT;
		else if (n > 0 && fds[0].revents)
			ret = qmp_feed(q, err);
		else if (n > 0 && fds[1].revents)
			ret = -EPIPE;
	}
	if (!ret && q->refusal.kind)
		ret = -EIO;
	return ret ? err_set(err, ERR_BROKEN, ret, "%s: QEMU does not answer: %s", name,
			     ret == -EIO ? q->refusal.text : strerror(-ret)) : 0;
}

static int icount(struct vm *vm, uint64_t *count, int64_t deadline_ns, struct err *err)
{
	int ret = vm_command(vm, "query-replay", NULL, deadline_ns, err);

	*count = (uint64_t)json_integer_value(json_object_get(vm->qemu.qmp.answer, "icount"));
	return ret;
}

int vm_icount(struct vm *vm, uint64_t *count, struct err *err)
{
	return icount(vm, count, deadline_in(GRACE_S * vm_slowness(vm)), err);
}

void vm_note_call(struct vm *vm, const char *label)
{
	struct err ignored;
	uint64_t count;

	if (vm->recording.rr != RR_RECORD || vm_icount(vm, &count, &ignored))
		return;
	vm->recording.call_at = count;
	vm_limit_log(vm, MAX_CALL_LOG);
	snprintf(vm->recording.call, sizeof(vm->recording.call), "%s", label);
}

const char *vm_last_call(const struct vm *vm, uint64_t *count)
{
	*count = vm->recording.call_at;
	return *vm->recording.call ? vm->recording.call : NULL;
}

void vm_end_recording(struct vm *vm)
{
	int64_t deadline_ns = deadline_in(GRACE_S * vm_slowness(vm));
	struct pollfd end = { vm->qemu.proc.pidfd, POLLIN, 0 };
	struct err ignored;

	if (vm->recording.rr != RR_RECORD || !vm->qemu.proc.pid || vm->qemu.qmp.fd < 0)
		return;
	if (vm_command(vm, "stop", NULL, deadline_ns, &ignored) ||
	    icount(vm, &vm->recording.end, deadline_ns, &ignored))
		return;
	vm_command(vm, "quit", NULL, deadline_ns, &ignored);
	while (poll(&end, 1, deadline_poll_ms(deadline_ns)) < 0)
		;
	vm->recording.ended = proc_ended(&vm->qemu.proc) && !vm->qemu.proc.status;
}

/* --- keeping the log of a recorded VM --- */

/* Did QEMU write the whole log? QEMU goes on after a failed write. */
static bool log_is_whole(const struct vm *vm)
{
	static const char *const failed[] = { "replay write error", NULL };
	char line[128];

	console_find(vm->output.stderr_fd, failed, line, sizeof(line));
	return vm->recording.ended && !*line;
}

static int copy(int from, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), ret = 0;
	off_t at = 0;
	ssize_t n;

	if (to < 0)
		return -errno;
	while ((n = sendfile(to, from, &at, COPY_BYTES)) > 0)
		;
	if (n < 0)
		ret = -errno;
	if (close(to) && !ret)
		ret = -errno;
	if (ret)
		unlink(path);
	return ret;
}

int vm_keep_recording(struct vm *vm, const char *path, struct err *err)
{
	int ret;

	if (!log_is_whole(vm))
		return err_set(err, ERR_BROKEN, -EIO, vm->recording.ended ?
			"QEMU could not write all of the log: the disk of %s is full or broken" :
			"QEMU was killed before it had written all of the log (%s)", path);
	ret = copy(vm->recording.log_fd, path);
	return ret ? err_set(err, ERR_BROKEN, ret, "cannot write %s: %s", path, strerror(-ret)) : 0;
}
