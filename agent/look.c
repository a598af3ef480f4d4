// SPDX-License-Identifier: GPL-2.0-only
/* Answers the op look. */
#include <time.h>

#include "agent/guest/tasks.h"
#include "agent/look.h"
#include "agent/reply.h"

#define ROOTS_MAX (WIRE_TASKS + JOBS)

/*
 * Adds the executors that make a system call themselves; those that run a
 * command become roots.
 */
static size_t add_calls(struct supervisor *s, struct tasks *tasks, struct tasks_root *roots)
{
	size_t nr = 0;

	for_each_channel(s, channel) {
		struct mailbox *box = roster_box(s, channel);
		pid_t command = atomic_load(&box->command);

		if (!mailbox_is_on(box) || atomic_load(&box->busy) != BOX_BUSY)
			continue;
		if (command <= 1)
			tasks_add(tasks, channel, atomic_load(&box->tid));
		else if (nr < WIRE_TASKS)
			roots[nr++] = (struct tasks_root){ channel, command };
		else
			tasks->more = true;
	}
	return nr;
}

static size_t list_jobs(struct supervisor *s, struct tasks_root *roots)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < JOBS; i++) {
		const struct job *job = &s->shared->jobs[i];
		pid_t pid = atomic_load(&job->pid);

		if (atomic_load(&job->state) == JOB_RUNNING && pid > 1)
			roots[nr++] = (struct tasks_root){ 0, pid };
	}
	return nr;
}

void look_answer(struct supervisor *s, const struct wire_header *req)
{
	static struct tasks tasks;
	struct tasks_root roots[ROOTS_MAX];
	struct wire_look_rep rep = { 0 };
	struct timespec now;
	size_t nr;

	tasks.nr = 0;
	tasks.more = false;
	nr = add_calls(s, &tasks, roots);
	nr += list_jobs(s, roots + nr);
	tasks_add_below(&tasks, roots, nr);
	clock_gettime(CLOCK_MONOTONIC, &now);
	rep.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	rep.busy_ns = tasks_busy_ns();
	rep.more = tasks.more;
	rep.tasks = (struct wire_list){ tasks.task, tasks.nr };
	reply_send(s, req, &rep);
}
