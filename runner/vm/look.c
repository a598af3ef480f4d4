// SPDX-License-Identifier: GPL-2.0-only
/* Asks the agent what a call waits for; see look.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/base/syscall_name.h"
#include "runner/base/text.h"
#include "runner/vm/internal.h"
#include "runner/vm/look.h"

#define FIRST_S 1.0			/* from the wait's beginning */
#define EVERY_S 3.5
/* Before the first look, and for the looks themselves; see judge(). */
#define SLACK_S 1.5
/* The part of the time in which one processor of an idle guest may be busy. */
#define IDLE_PART 0.2

static void (*on_look)(const char *state);

void vm_on_look(void (*fn)(const char *state))
{
	on_look = fn;
}

void vm_limit_blocked(struct vm_call *call, double seconds)
{
	call->blocked_s = seconds;
}

/* --- the state as text --- */

static const char *verb(unsigned int state)
{
	return state == 'R' ? "runs" : state == 'T' || state == 't' ? "is stopped" :
	       state == 'D' ? "sleeps uninterruptibly" : "sleeps";
}

/*
 * Makes text such as "cat: read() sleeps in pipe_read".  The strings come from
 * the guest.
 */
static void describe(const struct wire_task *task, char *text, size_t cap)
{
	const char *name = syscall_name(task->nr);
	struct buf raw = { 0 }, clean = { 0 };

	buf_addf(&raw, "%.*s%s", (int)task->name.len, (const char *)task->name.p,
		 !task->name.len ? "" : task->nr < 0 ? " " : ": ");
	if (task->nr >= 0 && name)
		buf_addf(&raw, "%s() ", name);
	else if (task->nr >= 0)
		buf_addf(&raw, "system call %lld ", (long long)task->nr);
	else if (!task->name.len)
		buf_addf(&raw, "it ");
	buf_addf(&raw, "%s", verb(task->state));
	if (task->place.len && task->state != 'R')
		buf_addf(&raw, " in %.*s", (int)task->place.len, (const char *)task->place.p);
	text_clean(&clean, buf_str(&raw), raw.len);
	snprintf(text, cap, "%s", buf_str(&clean));
	buf_release(&raw);
	buf_release(&clean);
}

/* The newest process of a command is the one that the others wait for. */
static void describe_call(struct look *look, const struct wire_task *tasks, uint32_t nr)
{
	look->state[0] = 0;
	for (uint32_t i = 0; i < nr; i++)
		if (tasks[i].channel == look->call->channel && tasks[i].state != 'Z')
			describe(&tasks[i], look->state, sizeof(look->state));
	look->told = true;
	if (on_look)
		on_look(look->state);
}

/* --- blocked or not --- */

/* Returns a number that is another one if one of the tasks has run since. */
static uint64_t print_of(const struct wire_task *tasks, uint32_t nr)
{
	uint64_t print = nr;

	for (uint32_t i = 0; i < nr; i++)
		print = (print ^ (uint64_t)tasks[i].pid) * 0x100000001b3u + tasks[i].runs;
	return print;
}

/* Could the guest go on by itself, or does it tell too little? */
static bool may_go_on(const struct look *look, const struct wire_look_rep *rep)
{
	const struct wire_task *tasks = rep->tasks.items;
	bool has_call = false;

	for (uint32_t i = 0; i < rep->tasks.nr; i++) {
		if (tasks[i].timed || tasks[i].state == 'R')
			return true;
		has_call |= tasks[i].channel == look->call->channel;
	}
	return !has_call || rep->more || !rep->busy_ns;
}

static bool is_idle(const struct look *look, const struct wire_look_rep *rep)
{
	return (double)(rep->busy_ns - look->busy_ns) <=
		IDLE_PART * (double)(rep->time_ns - look->still_ns);
}

static void judge(struct look *look, const struct wire_look_rep *rep)
{
	uint64_t print = print_of(rep->tasks.items, rep->tasks.nr);
	double still_s;

	if (!look->still_ns || look->print != print || may_go_on(look, rep) ||
	    rep->time_ns < look->still_ns || !is_idle(look, rep)) {
		look->still_ns = may_go_on(look, rep) ? 0 : rep->time_ns;
		look->busy_ns = rep->busy_ns;
		look->print = print;
		return;
	}
	still_s = (double)(rep->time_ns - look->still_ns) / 1e9;
	look->call->blocked = look->call->blocked_s > 0 &&
		still_s >= look->call->blocked_s - SLACK_S;
}

/* --- asking --- */

static void take_answer(struct vm *vm)
{
	struct look *look = &vm->look;
	const struct buf *payload = &look->request->reply.payload;
	struct wire_task tasks[WIRE_TASKS];
	struct wire_arena arena = { (uint8_t *)tasks, sizeof(tasks), 0 };
	struct wire_look_rep rep;

	if (look->request->reply.kind == WIRE_REPLY &&
	    !wire_decode(&wire_desc_look_rep, &rep, payload->p, payload->len, &arena)) {
		describe_call(look, rep.tasks.items, rep.tasks.nr);
		judge(look, &rep);
	}
	vm_call_free(vm, look->request);
	look->request = NULL;
}

static void begin(struct vm *vm, struct vm_call *call)
{
	vm_look_end(vm);
	vm->look.call = call;
	vm->look.next_ns = deadline_in(FIRST_S);
}

int vm_look_step(struct vm *vm, struct vm_call *call, int64_t deadline_ns)
{
	struct look *look = &vm->look;
	struct wire_nothing none;
	struct err ignored;
	bool asks;
	int ret;

	if (call->channel == WIRE_SUPERVISOR || vm->debug.on)
		return vm_oops_step(vm, deadline_ns);
	if (look->call != call)
		begin(vm, call);
	asks = !look->request && look->next_ns < deadline_ns;
	ret = vm_oops_step(vm, asks ? look->next_ns : deadline_ns);
	if (look->request && look->request->done)
		take_answer(vm);
	if (!asks)
		return ret;
	if (clock_ns() >= look->next_ns && vm->state == VM_RUNNING && !call->done) {
		look->request = vm_send(vm, WIRE_OP_look, &none, &ignored);
		look->next_ns = deadline_in(EVERY_S);
	}
	return ret == -ETIMEDOUT ? 0 : ret;
}

void vm_look_end(struct vm *vm)
{
	bool told = vm->look.told;

	if (vm->look.request)
		vm_call_free(vm, vm->look.request);
	vm->look = (struct look){ 0 };
	if (told && on_look)
		on_look("");
}
