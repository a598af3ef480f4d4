// SPDX-License-Identifier: GPL-2.0-only
/* What the agent is asked before a guest is saved and after it was resumed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "runner/base/deadline.h"
#include "runner/vm/wake.h"

#define LIMIT 30.0			/* seconds */

int64_t wake_deadline(const struct vm *vm)
{
	return deadline_in(LIMIT * (vm->accel.slowness >= 1 ?
				    vm->accel.slowness : 1));
}

/* The agent's own words, if the answer has any. */
static int could_not(const struct vm_call *call, struct err *err)
{
	struct wire_arena none = { 0 };
	struct wire_fail fail = { 0 };

	wire_decode(&wire_desc_fail, &fail, call->payload.p, call->payload.len,
		    &none);
	return err_set(err, ERR_BROKEN, -EIO, "%s: the agent could not: %.*s",
		       call->op->name, (int)fail.text.len,
		       fail.text.len ? (const char *)fail.text.p : "");
}

/* One call whose reply has no lists and no bytes. */
static struct vm_call *send(struct vm *vm, enum wire_op nr, const void *req,
			    struct err *err)
{
	const struct wire_op_desc *op = wire_op_by_number(nr);
	uint8_t raw[1024];
	size_t n = wire_encode(op->req, req, raw, sizeof(raw));

	return vm_submit(vm, op->supervisor ? WIRE_SUPERVISOR : WIRE_EXECUTOR,
			 WIRE_REQUEST, op, raw, n, err);
}

/* Its reply; the call is gone then.  -EIO: the agent could not. */
static int receive(struct vm *vm, struct vm_call *call, void *rep, struct err *err)
{
	struct wire_arena none = { 0 };
	int ret;

	if (!call)
		return -ENOTCONN;
	ret = vm_wait(vm, call, wake_deadline(vm), call->op->name, err);
	if (!ret && (call->kind != WIRE_REPLY ||
		     wire_decode(call->op->rep, rep, call->payload.p,
				 call->payload.len, &none)))
		ret = could_not(call, err);
	vm_call_free(vm, call);
	return ret;
}

int wake_settle(struct vm *vm, const char *what, bool symbols,
		struct wire_settle_rep *rep, struct err *err)
{
	struct wire_settle_req req = { .symbols = symbols };
	char mark[256];
	int n;

	/* Without its end the record would not be final: nobody could read it. */
	n = snprintf(mark, sizeof(mark),
		     "<6>provium: saved as %.160s; what follows is after a resume\n",
		     what);
	req.mark = (struct wire_bytes){ mark, (uint32_t)n };
	return receive(vm, send(vm, WIRE_OP_settle, &req, err), rep, err);
}

static struct vm_call *send_wake(struct vm *vm, enum wire_op op, bool entropy,
				 struct err *err)
{
	struct wire_resumed_req req = { 0 };
	uint8_t bytes[32];
	struct timespec now;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		err_set(err, ERR_BROKEN, -EIO, "getrandom: %s", strerror(errno));
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	req.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	req.entropy.p = bytes;
	req.entropy.len = entropy ? sizeof(bytes) : 0;
	return send(vm, op, &req, err);
}

int wake_begin(struct vm *vm, bool plain, bool entropy, struct err *err)
{
	vm->wake = send_wake(vm, plain ? WIRE_OP_awake : WIRE_OP_resumed, entropy, err);
	return vm->wake ? 0 : -EIO;
}

int wake_end(struct vm *vm, struct err *err)
{
	bool plain = vm->wake->op->op == WIRE_OP_awake;
	struct wire_nothing none;
	int ret = receive(vm, vm->wake, &none, err);

	vm->wake = NULL;
	/* What the executor may not do after all, PID 1 may. */
	if (ret == -EIO && plain)
		ret = receive(vm, send_wake(vm, WIRE_OP_resumed, !vm->seeded, err),
			      &none, err);
	return ret;
}
