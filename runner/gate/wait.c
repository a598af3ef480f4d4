// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the policy whether this process gets what it requests, and takes it or
 * waits for a change in the ledger.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/gate/budget.h"
#include "runner/gate/timeline.h"
#include "runner/gate/wait.h"

#define LIMIT_S 3600.0			/* longest wait for one request */
/*
 * How often to look again while waiting: memory that other programs free, and
 * memory pressure, change without an event.  A pipe with some tokens but fewer
 * than needed is readable all the time, so polling it would spin.
 */
#define POLL_S 1.0
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
	ANSWER_YES,
	ANSWER_MEMORY,		/* the request does not fit into the budget */
	ANSWER_TIGHT,		/* the request fits, but the machine is short of memory */
	ANSWER_TOKENS,		/* not enough free job tokens */
	ANSWER_STARVED,		/* another runner is starved of job tokens,
				 * and goes first */
	ANSWER_DEADLOCK,	/* the request must be refused to end a deadlock */
};

unsigned int wait_tokens_needed(const struct wait *w, unsigned int nr_running)
{
	unsigned int n = nr_running;

	if (w->jobs.nr_jobs && n > w->jobs.nr_jobs)
		n = w->jobs.nr_jobs;	/* a file can run with fewer tokens than VMs */
	if (n > JOBSERVER_MAX_TOKENS)
		n = JOBSERVER_MAX_TOKENS;
	return n ? n : 1;
}

/* Removes the row's request after it was granted or refused. */
static void end_request(struct ledger_row *row)
{
	row->wants = row->wants_cpus = 0;
	row->ticket = 0;
	row->starved = false;
}

/*
 * To be called with the ledger locked: takes memory and job tokens, or tells
 * what is missing.
 */
static enum answer try_take(struct wait *w, bool one_more)
{
	struct ledger_row *row = &w->row;
	struct room budget;

	ledger_read(&w->ledger, &w->rows);
	if (row->wants) {
		budget = budget_room(&w->limit, &w->rows);
		timeline_budget(budget.memory);
	}
	if (row->wants && !policy_fits(&w->rows, row, &budget))
		return policy_is_victim(&w->rows, row, &budget) ? ANSWER_DEADLOCK :
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
 * To be called with the ledger locked, after try_take(): publishes the request
 * in our row, and lends all our job tokens to make (but see
 * policy_first_starved()).
 */
static int keep_waiting(struct wait *w, enum answer answer, struct err *err)
{
	struct ledger_row *row = &w->row;
	bool changed = !row->ticket || row->starved != (answer == ANSWER_TOKENS);
	const struct ledger_row *first;
	int ret = 0;

	if (!row->ticket) {
		row->ticket = ledger_ticket(&w->ledger);
		row->since = time(NULL);
	}
	row->starved = answer == ANSWER_TOKENS;
	if (changed)
		ret = ledger_write(&w->ledger, &w->row, err);
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

static void await_change(struct wait *w, enum answer answer, int64_t deadline)
{
	bool one = wait_tokens_needed(w, w->nr_running + 1) - jobserver_tokens_held(&w->jobs) == 1;
	int64_t poll_end = deadline_in(answer == ANSWER_TOKENS && !one ? POLL_TOKENS_S : POLL_S);
	struct pollfd fds[] = {
		{ w->ledger.watch_fd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
		{ answer == ANSWER_TOKENS && one ? w->jobs.read_fd : -1, POLLIN, 0 },
	};

	poll(fds, 3, deadline_poll_ms(poll_end < deadline ? poll_end : deadline));
}

static void give_up(struct wait *w)
{
	struct err ignored;

	ledger_lock(&w->ledger);
	end_request(&w->row);
	ledger_write(&w->ledger, &w->row, &ignored);
	ledger_unlock(&w->ledger);
	/*
	 * The process continues after the refusal, and needs the job tokens of
	 * the VMs it has.
	 */
	if (!jobserver_take(&w->jobs, wait_tokens_needed(w, w->nr_running)))
		jobserver_restore(&w->jobs, deadline_in(JOBSERVER_RETURN_S));
}

static int refuse(struct wait *w, enum answer answer, uint64_t wants, int64_t start,
		  struct err *err)
{
	uint64_t holds = w->row.holds;
	uint64_t guests = holds + wants - (w->nr_running + 1) * BUDGET_OVERHEAD;

	give_up(w);
	if (interrupt_pending())
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	if (answer == ANSWER_DEADLOCK && !holds)
		return err_set(err, ERR_USER, -EDEADLK,
			       "deadlock: this VM needs %llu MiB, but the rest of the memory is held by the file that waits for the fixture, or by files that wait for memory as well. Use the fixture before the file boots its first VM, or build it beforehand: make fixture-NAME",
			       (unsigned long long)wants >> 20);
	if (answer == ANSWER_DEADLOCK)
		return err_set(err, ERR_USER, -EDEADLK,
			       "deadlock: this file holds %llu MiB for its VMs and needs %llu MiB more, but the rest of the memory is held by files that wait for more as well. Reserve all of it before the first VM: provium.claim{memory = \"%lluM\"}",
			       (unsigned long long)holds >> 20,
			       (unsigned long long)wants >> 20,
			       (unsigned long long)guests >> 20);
	return err_set(err, ERR_BROKEN, -ETIMEDOUT,
		       "gate: timed out after %.0f s waiting for %s (`provium gate` lists the holders)",
		       seconds_since(start),
		       answer >= ANSWER_TOKENS ? "make's job tokens" : "memory");
}

static void report_wait(struct wait *w, bool waits)
{
	if (w->on_wait && w->wait_told != waits)
		w->on_wait(waits);
	w->wait_told = waits;
}

/* Waits until row.wants is granted; one_more as in wait_for(). */
static int wait_for_grant(struct wait *w, bool one_more, double *waited, struct err *err)
{
	int64_t start = clock_ns(), deadline = deadline_in(LIMIT_S);
	uint64_t wants = w->row.wants;
	enum answer answer = ANSWER_YES;
	bool waiting = false;

	for (;;) {
		enum answer missing = answer;
		int ret = 0;

		ledger_drain(&w->ledger);
		ledger_lock(&w->ledger);
		answer = try_take(w, one_more);
		if (answer == ANSWER_YES)
			ret = ledger_write(&w->ledger, &w->row, err);
		else
			ret = keep_waiting(w, answer, err);
		ledger_unlock(&w->ledger);
		*waited = waiting ? seconds_since(start) : 0;
		if (waiting && answer == ANSWER_YES)
			timeline_span(missing >= ANSWER_TOKENS ? TIMELINE_TOKENS : TIMELINE_MEMORY,
				      start);
		if (ret || answer == ANSWER_YES)
			return ret;
		if (answer == ANSWER_DEADLOCK || interrupt_pending() ||
		    clock_ns() >= deadline)
			return refuse(w, answer, wants, start, err);
		/*
		 * Try again at once: the request that was just published can
		 * complete a deadlock.
		 */
		if (waiting) {
			report_wait(w, true);
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
			       "needs %u processors in all, but --cpus allows only %llu",
			       w->row.holds_cpus + cpus,
			       (unsigned long long)w->limit.cpus);
	if (w->row.holds + memory <= most)
		return 0;
	if (!w->limit.memory && budget_check(err))
		return -EIO;
	return err_set(err, ERR_USER, -E2BIG,
		       "needs %llu MiB of memory in all (%llu MiB of it QEMU's overhead), but %s %llu MiB",
		       (unsigned long long)(w->row.holds + memory) >> 20,
		       (unsigned long long)BUDGET_OVERHEAD >> 20,
		       w->limit.memory ? "--mem allows only" :
				 "this machine can give only",
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
	report_wait(w, false);
	return ret;
}

