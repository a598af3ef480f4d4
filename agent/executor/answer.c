// SPDX-License-Identifier: GPL-2.0-only
/* Replies, fail messages and data frames of an executor. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "agent/executor/answer.h"
#include "agent/shared/futex.h"

int executor_fail(struct executor *ex, enum wire_reason reason, int err,
		  const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(ex->fail_text, sizeof(ex->fail_text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(ex->fail_text))
		n = (int)strlen(ex->fail_text);
	ex->fail = (struct wire_fail){
		.reason = reason, .err = err,
		.text = { ex->fail_text, (uint32_t)n },
	};
	return -1;
}

void *executor_scratch(struct executor *ex, size_t n)
{
	return wire_arena_take(&ex->arena, n);
}

char *executor_string(struct executor *ex, const struct wire_bytes *b)
{
	char *s = executor_scratch(ex, b->len + 1u);

	if (s) {
		memcpy(s, b->p, b->len);
		s[b->len] = 0;
	}
	return s;
}

noreturn void executor_lost_fds(struct executor *ex)
{
	uint32_t replying = BOX_REPLYING;

	/*
	 * The state "busy" tells the supervisor that no reply was sent, and
	 * that it must send one.
	 */
	atomic_compare_exchange_strong(&ex->box->busy, &replying, BOX_BUSY);
	_exit(EXECUTOR_LOST_FDS);
}

void executor_wake_supervisor(struct executor *ex)
{
	uint64_t one = 1;

	if (write(ex->notify_fd, &one, sizeof(one)) != sizeof(one))
		executor_lost_fds(ex);
}

/*
 * Asks the supervisor to send the frame in the mailbox's `out`, from byte
 * `from` on, and waits until that is done.  If the executor holds the link's
 * lock, the lock passes to the supervisor.
 */
static void defer(struct executor *ex, size_t from)
{
	struct mailbox *box = ex->box;

	atomic_store(&box->deferred_from, (uint32_t)from);
	atomic_store(&box->deferred, 1);
	executor_wake_supervisor(ex);
	while (atomic_load(&box->deferred))
		futex_wait(&box->deferred, 1);
}

/*
 * Writes the frame in the mailbox's `out` to a port, which takes all of it or
 * nothing.  If the frame names a new process, it goes through a file, because
 * sendfile(2) notes what was sent, as sendmmsg(2) does.  If that is impossible,
 * the supervisor sends the frame.
 */
static ssize_t write_to_port(struct executor *ex, size_t n)
{
	struct mailbox *box = ex->box;

	if (!ex->started)
		return write(ex->link.fd, box->out, n);
	if (ex->frame_fd < 0) {
		errno = ENOSYS;		/* a kernel without memfd_create(2) */
		return -1;
	}
	if (pwrite(ex->frame_fd, box->out, n, 0) != (ssize_t)n)
		return -1;
	return sendfile(ex->link.fd, ex->frame_fd, &box->file_sent, n);
}

/*
 * Writes the frame in the mailbox's `out`.  On a socket a write can take a part
 * of it; the kernel notes how much in the mailbox before this process can be
 * killed.
 */
static ssize_t write_frame(struct executor *ex, size_t n)
{
	struct mailbox *box = ex->box;
	int sent;

	if (!atomic_load(&ex->link.state->is_socket))
		return write_to_port(ex, n);
	box->message_bytes = (struct iovec){ box->out, n };
	box->message.msg_hdr = (struct msghdr){
		.msg_iov = &box->message_bytes, .msg_iovlen = 1,
	};
	sent = sendmmsg(ex->link.fd, &box->message, 1, MSG_NOSIGNAL);
	if (sent == 1)
		return box->message.msg_len;
	/* A test's seccomp filter can allow write(2) and refuse sendmmsg(2). */
	return errno == EPERM || errno == EACCES || errno == ENOSYS ?
		write(ex->link.fd, box->out, n) : -1;
}

void executor_send_out(struct executor *ex, size_t n)
{
	ssize_t done = 0;

	if (n > LINK_ATOMIC_BYTES ||
	    ex->generation != atomic_load(&ex->link.state->generation)) {
		defer(ex, 0);
		return;
	}
	link_lock(ex->link.state, ex->channel);
	do {
		done = write_frame(ex, n);
	} while (done < 0 && errno == EINTR);
	if (done == (ssize_t)n) {
		if (link_unlock(ex->link.state))
			executor_wake_supervisor(ex);
		return;
	}
	if (done < 0 && errno == EBADF)
		executor_lost_fds(ex);
	defer(ex, done > 0 ? (size_t)done : 0);
}

size_t executor_make_frame(struct executor *ex, enum wire_kind kind,
			   const struct wire_desc *desc, const void *msg)
{
	struct mailbox *box = ex->box;
	struct wire_header hdr = box->req;
	size_t n = wire_encode(desc, msg, box->out + WIRE_HEADER, WIRE_MAX);

	if (n > WIRE_MAX) {
		executor_fail(ex, WIRE_REASON_BAD, 0,
			      "the reply has %zu bytes; at most %u are possible", n, WIRE_MAX);
		kind = WIRE_FAIL;
		n = wire_encode(&wire_desc_fail, &ex->fail,
				box->out + WIRE_HEADER, WIRE_MAX);
	}
	hdr.kind = (uint16_t)kind;
	hdr.len = (uint32_t)n;
	mailbox_unsent(box);
	wire_put_header(box->out, &hdr);
	return WIRE_HEADER + n;
}

void executor_data(struct executor *ex, uint32_t stream, const void *p, size_t n)
{
	struct wire_data data = { stream, { p, (uint32_t)n } };

	ex->streamed = true;
	if (ex->in_batch)
		return;
	executor_send_out(ex, executor_make_frame(ex, WIRE_DATA, &wire_desc_data, &data));
}
