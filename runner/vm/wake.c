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

/* One call whose reply has no lists and no bytes.  -EIO: the agent could not. */
static int ask(struct vm *vm, enum wire_op nr, const void *req, void *rep,
	       struct err *err)
{
	const struct wire_op_desc *op = wire_op_by_number(nr);
	struct wire_arena none = { 0 };
	uint8_t raw[1024];
	size_t n = wire_encode(op->req, req, raw, sizeof(raw));
	struct vm_call *call;
	int ret;

	call = vm_submit(vm, op->supervisor ? WIRE_SUPERVISOR : WIRE_EXECUTOR,
			 WIRE_REQUEST, op, raw, n, err);
	if (!call)
		return -ENOTCONN;
	ret = vm_wait(vm, call, wake_deadline(vm), op->name, err);
	if (!ret && (call->kind != WIRE_REPLY ||
		     wire_decode(op->rep, rep, call->payload.p,
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
	return ask(vm, WIRE_OP_settle, &req, rep, err);
}

int wake_now(struct vm *vm, bool plain, struct err *err)
{
	struct wire_resumed_req req = { 0 };
	struct wire_nothing none;
	uint8_t entropy[32];
	struct timespec now;
	int ret = -EIO;

	if (getrandom(entropy, sizeof(entropy), 0) != sizeof(entropy))
		return err_set(err, ERR_BROKEN, -EIO, "getrandom: %s",
			       strerror(errno));
	clock_gettime(CLOCK_REALTIME, &now);
	req.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	req.entropy.p = entropy;
	req.entropy.len = vm->seeded ? 0 : sizeof(entropy);
	if (plain)
		ret = ask(vm, WIRE_OP_awake, &req, &none, err);
	/* What the executor may not do after all, PID 1 may. */
	return ret == -EIO ? ask(vm, WIRE_OP_resumed, &req, &none, err) : ret;
}
