// SPDX-License-Identifier: GPL-2.0-only
/* Calls in flight, and the frames that answer them. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/vm/internal.h"

struct vm_call *vm_find_call(struct vm *vm, uint32_t tag)
{
	struct vm_call *call = vm->calls.list;

	while (call && call->tag != tag)
		call = call->next;
	return call;
}

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
			"%s: %zu bytes of arguments; a call can carry at most %u MiB",
			op->name, len, WIRE_MAX >> 20);
		return NULL;
	}
	call = xcalloc(1, sizeof(*call));
	call->tag = hdr.tag = ++vm->calls.last_tag;
	call->channel = channel;
	call->op = op;
	call->sent_ns = clock_ns();
	call->stream_limit = vm->machine.opts.memory;
	call->next = vm->calls.list;
	vm->calls.list = call;
	/*
	 * A failure needs no handling here: vm_step() notices and reports a
	 * broken connection.
	 */
	conn_send(&vm->link.conn, &hdr, payload);
	return call;
}

struct vm_call *vm_send(struct vm *vm, enum wire_op nr, const void *req,
			struct err *err)
{
	const struct wire_op_desc *op = wire_op_by_number(nr);
	uint8_t raw[1024];
	size_t n = wire_encode(op->req, req, raw, sizeof(raw));

	return vm_submit(vm, op->supervisor ? WIRE_SUPERVISOR : WIRE_EXECUTOR,
			 WIRE_REQUEST, op, raw, n, err);
}

void vm_call_free(struct vm *vm, struct vm_call *call)
{
	struct vm_call **at = &vm->calls.list;

	while (*at && *at != call)
		at = &(*at)->next;
	if (*at)
		*at = call->next;
	buf_release(&call->reply.payload);
	buf_release(&call->reply.stream[1]);
	buf_release(&call->reply.stream[2]);
	free(call);
}

const char *vm_call_in_flight(const struct vm *vm)
{
	for (const struct vm_call *call = vm->calls.list; call; call = call->next)
		if (!call->done)
			return call->op->name;
	return NULL;
}

uint32_t vm_call_tag(const struct vm_call *call)
{
	return call->tag;
}

const struct wire_op_desc *vm_call_op(const struct vm_call *call)
{
	return call->op;
}

const struct vm_reply *vm_call_reply(const struct vm_call *call)
{
	return &call->reply;
}

void vm_call_drop_data(struct vm_call *call)
{
	call->reply.stream[1].len = call->reply.stream[2].len = 0;
}

void vm_call_print_data(struct vm_call *call)
{
	call->print_data = true;
}

static void finish(struct vm_call *call, enum wire_kind kind, const void *payload,
		   size_t len)
{
	call->reply.payload.len = 0;
	buf_add(&call->reply.payload, payload, len);
	call->reply.kind = kind;
	call->done = true;
}

void vm_fail_calls(struct vm *vm, const char *reason)
{
	struct wire_fail fail = {
		.reason = WIRE_REASON_GONE, .text = { reason, (uint32_t)strlen(reason) },
	};
	uint8_t raw[256];
	size_t n = wire_encode(&wire_desc_fail, &fail, raw, sizeof(raw));

	for (struct vm_call *call = vm->calls.list; call; call = call->next)
		if (!call->done)
			finish(call, WIRE_FAIL, raw, n);
}

/* --- frames from the agent, which is not trusted --- */

static int take_ready(struct vm *vm, const struct wire_header *hdr,
		      const uint8_t *payload, struct err *err)
{
	struct wire_arena none = { 0 };
	struct wire_ready ready;

	if (vm->link.ready || wire_decode(&wire_desc_ready, &ready, payload,
					  hdr->len, &none))
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent sent an unexpected ready frame");
	if (ready.fingerprint != wire_fingerprint())
		return err_set(err, ERR_BROKEN, -EPROTO,
			       "the agent in the guest speaks another protocol (%016llx; this runner's is %016llx): build both from one tree",
			       (unsigned long long)ready.fingerprint,
			       (unsigned long long)wire_fingerprint());
	snprintf(vm->kernel_release, sizeof(vm->kernel_release), "%.*s",
		 (int)(ready.release.len < 79 ? ready.release.len : 79),
		 (const char *)ready.release.p);
	vm->link.ready_ns = clock_ns();
	vm->link.ready = true;
	return 0;
}

/*
 * Writes to our stdout or stderr; waits while it is full, even if the
 * descriptor is non-blocking.  0; or an errno, EINTR after a signal.
 */
static int print(int fd, const uint8_t *p, size_t n)
{
	struct pollfd fds[] = { { fd, POLLOUT, 0 }, { interrupt_fd(), POLLIN, 0 } };
	ssize_t done;

	while (n) {
		poll(fds, 2, -1);
		if (interrupt_pending())
			return EINTR;
		done = write(fd, p, n);
		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return errno;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

/*
 * Prints the bytes of a data frame.  If the reader of the output has ended,
 * this process ends by SIGPIPE, as other programs do.
 */
static void print_data(struct vm_call *call, const struct wire_data *data)
{
	int fd = data->stream == 1 ? STDOUT_FILENO : STDERR_FILENO;

	if (!call->print_error)
		call->print_error = print(fd, data->data.p, data->data.len);
	if (call->print_error == EPIPE)
		interrupt_by(SIGPIPE);
}

static int take_data(struct vm_call *call, const struct wire_header *hdr,
		     const uint8_t *payload, struct err *err)
{
	struct buf *stream = call->reply.stream;
	struct wire_arena none = { 0 };
	struct wire_data data;

	if (wire_decode(&wire_desc_data, &data, payload, hdr->len, &none) ||
	    data.stream < 1 || data.stream > 2)
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent sent malformed data for %s",
			       call->op->name);
	if (call->print_data) {
		print_data(call, &data);
		return 0;
	}
	if (stream[1].len + stream[2].len + data.data.len > call->stream_limit)
		return err_set(err, ERR_BROKEN, -EFBIG,
			       "%s: the agent sent more than %zu bytes, the size of the guest's memory",
			       call->op->name, call->stream_limit);
	buf_add(&stream[data.stream], data.data.p, data.data.len);
	return 0;
}

static int take_frame(struct vm *vm, const struct wire_header *hdr,
		      const uint8_t *payload, struct err *err)
{
	struct vm_call *call = vm_find_call(vm, hdr->tag);

	if (hdr->kind == WIRE_READY)
		return take_ready(vm, hdr, payload, err);
	if (hdr->kind == WIRE_WANT_MODULES) {
		vm->link.wants_modules = true;
		return 0;
	}
	/* A late answer to a call that was freed before it arrived. */
	if (!call && hdr->tag && hdr->tag <= vm->calls.last_tag)
		return 0;
	/* A second answer: the executor died just after it had replied. */
	if (call && call->done)
		return 0;
	if (!call || hdr->kind == WIRE_REQUEST || hdr->kind == WIRE_ASYNC ||
	    call->channel != hdr->channel || call->op->op != hdr->op)
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent answered a call that was never made (op %u, tag %u, channel %u)",
			       hdr->op, hdr->tag, hdr->channel);
	if (hdr->kind == WIRE_DATA)
		return take_data(call, hdr, payload, err);
	finish(call, hdr->kind, payload, hdr->len);
	return 0;
}

int vm_take_frames(struct vm *vm, struct err *err)
{
	struct wire_header hdr;
	const uint8_t *payload;
	int ret;

	while ((ret = conn_peek(&vm->link.conn, &hdr, &payload, err)) > 0) {
		ret = take_frame(vm, &hdr, payload, err);
		conn_drop(&vm->link.conn, &hdr);
		if (ret)
			break;
	}
	return ret;
}
