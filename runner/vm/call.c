// SPDX-License-Identifier: GPL-2.0-only
/* Calls in flight, and the frames that answer them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/vm/internal.h"

struct vm_call *vm_find_call(struct vm *vm, uint32_t tag)
{
	struct vm_call *call = vm->calls;

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
			"%s: %zu bytes of arguments; %u MiB is the most a call can carry",
			op->name, len, WIRE_MAX >> 20);
		return NULL;
	}
	call = xcalloc(1, sizeof(*call));
	call->tag = hdr.tag = ++vm->last_tag;
	call->channel = channel;
	call->op = op;
	call->stream_limit = vm->machine.opts.memory;
	call->next = vm->calls;
	vm->calls = call;
	conn_send(&vm->conn, &hdr, payload);	/* a loss shows in vm_step() */
	return call;
}

void vm_call_free(struct vm *vm, struct vm_call *call)
{
	struct vm_call **at = &vm->calls;

	while (*at && *at != call)
		at = &(*at)->next;
	if (*at)
		*at = call->next;
	buf_release(&call->payload);
	buf_release(&call->stream[1]);
	buf_release(&call->stream[2]);
	free(call);
}

/* --- frames from the agent --- */

static int take_ready(struct vm *vm, const struct wire_header *hdr,
		      const uint8_t *payload, struct err *err)
{
	struct wire_arena none = { 0 };
	struct wire_ready ready;

	if (vm->ready || wire_decode(&wire_desc_ready, &ready, payload,
				     hdr->len, &none))
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent sent an unexpected ready frame");
	if (ready.fingerprint != wire_fingerprint())
		return err_set(err, ERR_BROKEN, -EPROTO,
			       "the agent in the guest speaks another protocol (%016llx, this runner's is %016llx): build both from one tree",
			       (unsigned long long)ready.fingerprint,
			       (unsigned long long)wire_fingerprint());
	snprintf(vm->release, sizeof(vm->release), "%.*s",
		 (int)(ready.release.len < 79 ? ready.release.len : 79),
		 (const char *)ready.release.p);
	vm->ready_ns = clock_ns();
	vm->ready = true;
	return 0;
}

/* To a person's terminal, or whatever stands in for one. */
static void show(uint32_t stream, const struct wire_bytes *data)
{
	FILE *to = stream == 1 ? stdout : stderr;

	fwrite(data->p, 1, data->len, to);
	fflush(to);
}

static int take_data(struct vm_call *call, const struct wire_header *hdr,
		     const uint8_t *payload, struct err *err)
{
	struct wire_arena none = { 0 };
	struct wire_data data;

	if (wire_decode(&wire_desc_data, &data, payload, hdr->len, &none) ||
	    data.stream < 1 || data.stream > 2)
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent sent malformed data for %s",
			       call->op->name);
	if (call->live) {
		show(data.stream, &data.data);
		return 0;
	}
	if (call->stream[1].len + call->stream[2].len + data.data.len >
	    call->stream_limit)
		return err_set(err, ERR_BROKEN, -EFBIG,
			       "%s: more than %zu bytes, which is all the guest can hold",
			       call->op->name, call->stream_limit);
	buf_add(&call->stream[data.stream], data.data.p, data.data.len);
	return 0;
}

/* The guest is not trusted: a frame must answer a call that was made. */
static int take_frame(struct vm *vm, const struct wire_header *hdr,
		      const uint8_t *payload, struct err *err)
{
	struct vm_call *call = vm_find_call(vm, hdr->tag);

	if (hdr->kind == WIRE_READY)
		return take_ready(vm, hdr, payload, err);
	if (!call && hdr->tag && hdr->tag <= vm->last_tag)
		return 0;	/* late: its call was given up */
	if (call && call->done)
		return 0;	/* an executor that died as it had replied */
	if (!call || hdr->kind == WIRE_REQUEST ||
	    hdr->kind == WIRE_ASYNC ||
	    call->channel != hdr->channel || call->op->op != hdr->op)
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent answered a call that nobody made (op %u, tag %u, channel %u)",
			       hdr->op, hdr->tag, hdr->channel);
	if (hdr->kind == WIRE_DATA)
		return take_data(call, hdr, payload, err);
	buf_add(&call->payload, payload, hdr->len);
	call->kind = hdr->kind;
	call->done = true;
	return 0;
}

int vm_take_frames(struct vm *vm, struct err *err)
{
	struct wire_header hdr;
	const uint8_t *payload;
	int ret;

	while ((ret = conn_peek(&vm->conn, &hdr, &payload, err)) > 0) {
		ret = take_frame(vm, &hdr, payload, err);
		conn_drop(&vm->conn, &hdr);
		if (ret)
			break;
	}
	return ret;
}
