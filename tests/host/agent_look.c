// SPDX-License-Identifier: GPL-2.0-only
/*
 * The op look of an agent that runs as a process of this machine: what the
 * calls in flight and the jobs wait for.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "tests/host/lib/agent_peer.h"
#include "tests/host/lib/tap.h"

#define LIMIT_S 20
#define MAX_TASKS 64

static struct wire_task tasks[MAX_TASKS];

/*
 * Sends the op look, and decodes the reply.  The tasks in it point into
 * p->payload.
 */
static bool look(struct peer *p, struct wire_look_rep *rep)
{
	struct wire_arena arena = { (uint8_t *)tasks, sizeof(tasks), 0 };
	struct wire_nothing none;

	send_op(p, WIRE_OP_look, &none);
	return !answer(p) && p->hdr.kind == WIRE_REPLY &&
		!wire_decode(&wire_desc_look_rep, rep, p->payload, p->hdr.len, &arena);
}

/*
 * Sends the op look until a task is in the system call nr.  The task is of the
 * program `name`, or of an executor if `name` is "".
 */
static const struct wire_task *await_task(struct peer *p, const char *name, int64_t nr)
{
	int64_t deadline_ns = deadline_in(LIMIT_S);
	struct wire_look_rep rep;

	while (look(p, &rep) && clock_ns() < deadline_ns) {
		for (uint32_t i = 0; i < rep.tasks.nr; i++)
			if (tasks[i].nr == nr && tasks[i].state == 'S' &&
			    tasks[i].name.len == strlen(name) &&
			    !memcmp(tasks[i].name.p, name, tasks[i].name.len))
				return &tasks[i];
		usleep(10000);
	}
	return NULL;
}

/* Sends a system call that does not return. */
static void begin_call(struct peer *p, const struct wire_syscall_req *req)
{
	send_to(p, WIRE_EXECUTOR, WIRE_ASYNC, WIRE_OP_syscall, req);
}

static void idle(struct peer *p)
{
	struct wire_look_rep rep;

	ok(look(p, &rep) && !rep.tasks.nr && !rep.more, "without a call in flight, look finds no task");
	ok(rep.busy_ns && rep.time_ns, "look tells the time and how busy the processors were");
}

static void sleeping_call(void)
{
	struct peer *p = peer_greeted();
	const struct wire_task *task;
	uint64_t runs;
	int status;

	begin_call(p, &(struct wire_syscall_req){ .nr = SYS_pause });
	task = await_task(p, "", SYS_pause);
	ok(task && task->channel == WIRE_EXECUTOR && !task->timed,
	   "look finds the executor in a call without a time limit");
	runs = task ? task->runs : 0;
	usleep(100000);
	task = await_task(p, "", SYS_pause);
	ok(task && runs && task->runs == runs, "looking at a task does not make it run");
	peer_end(p, &status);
}

static void timed_call(const char *name, const struct wire_syscall_req *req, bool timed)
{
	struct peer *p = peer_greeted();
	const struct wire_task *task;
	int status;

	begin_call(p, req);
	task = await_task(p, "", req->nr);
	ok(task && task->timed == timed, "%s has %s time limit", name, timed ? "a" : "no");
	peer_end(p, &status);
}

static void command(void)
{
	struct wire_exec_req req = { .cmd = str("sleep 1000 | cat"), .limit = 100 };
	struct peer *p = peer_greeted();
	const struct wire_task *task;
	int status;

	send_to(p, WIRE_EXECUTOR, WIRE_ASYNC, WIRE_OP_exec, &req);
	ok(await_task(p, "cat", SYS_read), "look finds a process of a command");
	task = await_task(p, "sleep", SYS_clock_nanosleep);
	ok(task && task->timed && task->channel == WIRE_EXECUTOR,
	   "look finds the process that it waits for, and that it sleeps for a time");
	peer_end(p, &status);
}

static void job(void)
{
	struct wire_job_req req = { .cmd = str("sleep 1000; true") };
	struct peer *p = peer_greeted();
	const struct wire_task *task;
	struct wire_job_rep rep;
	int status;

	ok(call(p, WIRE_OP_job, &req, &rep), "a job is started");
	task = await_task(p, "sleep", SYS_clock_nanosleep);
	ok(task && task->timed && task->channel == 0, "look finds the process of a job");
	peer_end(p, &status);
}

static void many(void)
{
	struct wire_exec_req req = {
		.cmd = str("i=0; while [ $i -lt 80 ]; do sleep 1000 & i=$((i+1)); done; wait"),
		.limit = 100,
	};
	struct peer *p = peer_greeted();
	int64_t deadline_ns = deadline_in(LIMIT_S);
	struct wire_look_rep rep;
	int status;

	send_to(p, WIRE_EXECUTOR, WIRE_ASYNC, WIRE_OP_exec, &req);
	while (look(p, &rep) && !rep.more && clock_ns() < deadline_ns)
		usleep(10000);
	ok(rep.more && rep.tasks.nr == MAX_TASKS, "look tells that there are more tasks than it lists");
	peer_end(p, &status);
}

int main(void)
{
	struct peer *p;
	int status;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	p = peer_greeted();
	idle(p);
	peer_end(p, &status);
	sleeping_call();
	timed_call("poll() of 1000 s",
		   &(struct wire_syscall_req){ .nr = SYS_poll, .a2 = 1000000 }, true);
	timed_call("poll() of -1",
		   &(struct wire_syscall_req){ .nr = SYS_poll, .a2 = 0xffffffff }, false);
	command();
	job();
	many();
	return done();
}
