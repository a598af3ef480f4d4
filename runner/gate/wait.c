// SPDX-License-Identifier: GPL-2.0-only
/* Asks the policy, takes what it allows, or waits for a change. */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/gate/budget.h"
#include "runner/gate/gate.h"
#include "runner/gate/wait.h"

#define LIMIT_S 3600.0			/* for one request */
#define POLL_S 1.0			/* for what changes without an event */
#define POLL_TOKENS_S 0.02

int wait_open(struct wait *w, struct err *err)
{
	int ret;

	if (w->owner == getpid())
		return 0;
	ledger_close(&w->ledger);
	ret = ledger_open(&w->ledger, err);
	if (ret)
		return ret;
	w->owner = getpid();
	w->row.pid = getpid();
	w->row.parent = getppid();
	w->row.make = jobserver_name(&w->jobs);
	return 0;
}

enum answer {
	ANSWER_YES, ANSWER_MEMORY, ANSWER_TIGHT, ANSWER_TOKENS, ANSWER_STARVED, ANSWER_DEADLOCK
};

unsigned int wait_tokens_needed(const struct wait *w, unsigned int nr_running)
{
	unsigned int n = nr_running;

	if (w->jobs.nr_jobs && n > w->jobs.nr_jobs)
		n = w->jobs.nr_jobs;	/* a file alone must be able to run */
	if (n > JOBSERVER_MAX_TOKENS)
		n = JOBSERVER_MAX_TOKENS;
	return n ? n : 1;
}

static int publish(struct wait *w, struct err *err)
{
	if (ledger_write(&w->ledger, &w->row))
		return err_set(err, ERR_BROKEN, -ENOSPC,
			       "the gate's ledger is full: %d runners at a time are the most",
			       LEDGER_ROWS);
	return 0;
}

/* The row's wish is granted, or given up. */
static void end_request(struct ledger_row *row)
{
	row->wants = row->wants_cpus = 0;
	row->ticket = 0;
	row->starved = false;
}

/* Under the lock: takes memory and slots, or says what is missing. */
static enum answer ask(struct wait *w, bool one_more)
{
	struct ledger_row *row = &w->row;
	struct room all;

	ledger_read(&w->ledger, &w->rows);
	if (row->wants)
		all = budget_room(&w->limit, &w->rows);
	if (row->wants && !policy_fits(&w->rows, row, &all))
		return policy_is_victim(&w->rows, row, &all) ? ANSWER_DEADLOCK :
							       ANSWER_MEMORY;
	if (row->wants && policy_held(&w->rows).memory && budget_is_tight())
		return ANSWER_TIGHT;
	if (!row->holds && policy_first_starved(&w->rows, row->make))
		return ANSWER_STARVED;
	if (!jobserver_take(&w->jobs, wait_tokens_needed(w, w->nr_running + one_more)))
		return ANSWER_TOKENS;
	row->holds += row->wants;
	row->holds_cpus += row->wants_cpus;
	end_request(row);
	return ANSWER_YES;
}

/*
 * Under the lock, with ask()'s answer: others see that we wait, and for what;
 * make has our slots meanwhile.
 */
static int stay(struct wait *w, enum answer answer, struct err *err)
{
	struct ledger_row *row = &w->row;
	bool news = !row->ticket || row->starved != (answer == ANSWER_TOKENS);
	const struct ledger_row *first;
	int ret = 0;

	if (!row->ticket) {
		row->ticket = ledger_ticket(&w->ledger);
		row->since = time(NULL);
	}
	row->starved = answer == ANSWER_TOKENS;
	if (news)
		ret = publish(w, err);
	if (ret)
		return ret;
	ledger_read(&w->ledger, &w->rows);
	first = policy_first_starved(&w->rows, row->make);
	if (first && first->pid == row->pid)
		jobserver_take(&w->jobs, 1);
	else
		jobserver_give(&w->jobs, 0);
	return 0;
}

static void await_change(struct wait *w, enum answer why, int64_t deadline)
{
	bool one = wait_tokens_needed(w, w->nr_running + 1) - jobserver_tokens_held(&w->jobs) == 1;
	/* Memory that others than VMs give back, and pressure, end without an event;
	 * and a pipe with fewer slots than we need is readable all the time. */
	int64_t look = deadline_in(why == ANSWER_TOKENS && !one ? POLL_TOKENS_S : POLL_S);
	struct pollfd fds[] = {
		{ w->ledger.watch_fd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
		{ why == ANSWER_TOKENS && one ? w->jobs.read_fd : -1, POLLIN, 0 },
	};

	poll(fds, 3, deadline_poll_ms(look < deadline ? look : deadline));
}

static void give_up(struct wait *w)
{
	ledger_lock(&w->ledger);
	end_request(&w->row);
	ledger_write(&w->ledger, &w->row);
	ledger_unlock(&w->ledger);
	/* Whoever gives up goes on, with the slots of what runs. */
	if (!jobserver_take(&w->jobs, wait_tokens_needed(w, w->nr_running)))
		jobserver_restore(&w->jobs, deadline_in(JOBSERVER_RETURN_S));
}

static int failed(struct wait *w, enum answer why, uint64_t wants, int64_t start, struct err *err)
{
	uint64_t holds = w->row.holds;
	uint64_t guests = holds + wants - (w->nr_running + 1) * GATE_OVERHEAD;

	give_up(w);
	if (interrupt_pending())
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	if (why == ANSWER_DEADLOCK && !holds)
		return err_set(err, ERR_USER, -EDEADLK,
			       "its VM wants %llu MiB, while the file that waits for it, or others who wait for more, too, hold the rest: a deadlock. Have the fixture before the file's first VM, or built before that: make fixture-NAME",
			       (unsigned long long)wants >> 20);
	if (why == ANSWER_DEADLOCK)
		return err_set(err, ERR_USER, -EDEADLK,
			       "this file holds %llu MiB for its VMs and wants %llu MiB more, while others who hold the rest wait for more, too: a deadlock. Reserve all at once, before the first VM: provium.claim{memory = \"%lluM\"}",
			       (unsigned long long)holds >> 20,
			       (unsigned long long)wants >> 20,
			       (unsigned long long)guests >> 20);
	return err_set(err, ERR_BROKEN, -ETIMEDOUT,
		       "no %s for it within %.0f s; `provium gate` shows who has them",
		       why >= ANSWER_TOKENS ? "slots of make's" : "memory",
		       seconds_since(start));
}

static void tell(struct wait *w, bool waits)
{
	if (w->on_wait && w->wait_told != waits)
		w->on_wait(waits);
	w->wait_told = waits;
}

/* Until row.wants is granted.  one_more: with a slot of make's for one more VM. */
static int wait_for_grant(struct wait *w, bool one_more, double *waited, struct err *err)
{
	int64_t start = clock_ns(), deadline = deadline_in(LIMIT_S);
	uint64_t wants = w->row.wants;
	bool waiting = false;

	for (;;) {
		enum answer answer;
		int ret = 0;

		ledger_drain(&w->ledger);
		ledger_lock(&w->ledger);
		answer = ask(w, one_more);
		if (answer == ANSWER_YES)
			ret = publish(w, err);
		else
			ret = stay(w, answer, err);
		ledger_unlock(&w->ledger);
		*waited = waiting ? seconds_since(start) : 0;
		if (ret || answer == ANSWER_YES)
			return ret;
		if (answer == ANSWER_DEADLOCK || interrupt_pending() ||
		    clock_ns() >= deadline)
			return failed(w, answer, wants, start, err);
		/* Look again at once with our wish in the ledger: it may end a deadlock. */
		if (waiting) {
			tell(w, true);
			await_change(w, answer, deadline);
		}
		waiting = true;
	}
}

static int too_large(struct wait *w, uint64_t memory, unsigned int cpus, struct err *err)
{
	uint64_t most;

	ledger_lock(&w->ledger);
	ledger_read(&w->ledger, &w->rows);
	most = budget_room(&w->limit, &w->rows).memory;
	ledger_unlock(&w->ledger);
	if (w->limit.cpus && w->row.holds_cpus + cpus > w->limit.cpus)
		return err_set(err, ERR_USER, -E2BIG,
			       "%u processors are wanted, in all; --cpus allows %llu",
			       w->row.holds_cpus + cpus,
			       (unsigned long long)w->limit.cpus);
	if (w->row.holds + memory <= most)
		return 0;
	return err_set(err, ERR_USER, -E2BIG,
		       "%llu MiB of memory are wanted, in all (%llu MiB of it for QEMU itself); %s %llu MiB",
		       (unsigned long long)(w->row.holds + memory) >> 20,
		       (unsigned long long)GATE_OVERHEAD >> 20,
		       w->limit.memory ? "--mem allows" : "this machine has",
		       (unsigned long long)most >> 20);
}

int wait_for(struct wait *w, uint64_t memory, unsigned int cpus, bool one_more,
	     double *waited, struct err *err)
{
	int ret = memory ? too_large(w, memory, cpus, err) : 0;

	*waited = 0;
	if (ret)
		return ret;
	w->row.wants = memory;
	w->row.wants_cpus = cpus;
	ret = wait_for_grant(w, one_more, waited, err);
	tell(w, false);
	return ret;
}

