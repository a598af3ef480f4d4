// SPDX-License-Identifier: GPL-2.0-only
/* May this VM start now?  One row of the ledger, some of make's slots. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/gate/gate.h"
#include "runner/gate/jobserver.h"
#include "runner/gate/ledger.h"
#include "runner/gate/budget.h"
#include "runner/gate/policy.h"

#define PATIENCE 3600.0			/* seconds to wait for one's turn */
#define SETTLE 10.0			/* to get one's slot back from make */
#define RESERVE_SHARE 16		/* of the machine's memory stays free */
#define RESERVE_LEAST (256ull << 20)
#define LOOK 1.0			/* for what changes without an event */
#define FEW_LOOK 0.02

static struct {
	uint64_t memory;		/* 0: what is free */
	unsigned int cpus;		/* 0: no limit */
	struct jobserver jobs;
	struct jobserver_account *account;
	struct ledger ledger;
	pid_t owner;			/* who has opened the ledger */
	struct ledger_row row;		/* our own, as it stands there */
	struct ledger_rows rows;
	unsigned int nr_running;
	uint64_t claimed, drawn;	/* guests' memory */
	unsigned int claimed_cpus, drawn_cpus;	/* claimed 0: no limit */
	void (*on_wait)(bool waits);
	bool told;			/* it, that we wait */
} gate;

/* --- the runner --- */

void gate_on_wait(void (*fn)(bool waits))
{
	gate.on_wait = fn;
}

void gate_set_budget(uint64_t memory, unsigned int cpus)
{
	gate.memory = memory;
	gate.cpus = cpus;
}

int gate_init(const char *account, struct err *err)
{
	ledger_init(&gate.ledger);
	jobserver_open(&gate.jobs, getenv("MAKEFLAGS"), NULL);
	gate.account = jobserver_account_new(jobserver_exists(&gate.jobs) ? account : NULL);
	if (!gate.account)
		return err_set(err, ERR_BROKEN, -EIO, "%s: %s",
			       account ? account : "the gate's account", strerror(errno));
	gate.jobs.account = gate.account;
	return 0;
}

bool gate_dry_run(void)
{
	return jobserver_dry_run(getenv("MAKEFLAGS"));
}

void gate_settle(void)
{
	if (gate.account)
		jobserver_settle(&gate.jobs, deadline_in(SETTLE));
}

int gate_settle_file(const char *account, struct err *err)
{
	struct jobserver_account *a = jobserver_account_open(account);
	struct jobserver jobs;

	if (!a && errno == ENOENT)
		return 0;		/* it was settled */
	if (!a)
		return err_set(err, ERR_BROKEN, -EIO, "%s: no account of make's slots", account);
	jobserver_open(&jobs, getenv("MAKEFLAGS"), a);
	jobserver_settle(&jobs, deadline_in(SETTLE));
	unlink(account);
	return 0;
}

void gate_name(const char *what)
{
	snprintf(gate.row.what, sizeof(gate.row.what), "%s", what);
}

/* A process forked from one that had the ledger open has its own. */
static int open_ledger(struct err *err)
{
	int ret;

	if (gate.owner == getpid())
		return 0;
	if (!gate.account && gate_init(NULL, err))
		return -EIO;
	ledger_close(&gate.ledger);
	ret = ledger_open(&gate.ledger, err);
	if (ret)
		return ret;
	gate.owner = getpid();
	gate.row.pid = getpid();
	gate.row.parent = getppid();
	gate.row.make = jobserver_name(&gate.jobs);
	return 0;
}

/* --- what there is --- */

/* What the VMs of all rows have in memory already. */
static uint64_t sum_resident(const struct ledger_rows *rows)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->n; i++)
		for (int k = 0; k < LEDGER_VMS; k++)
			if (rows->row[i].vms[k] > 0)
				sum += budget_of(rows->row[i].vms[k]);
	return sum;
}

static uint64_t reserve(void)
{
	uint64_t share = budget_total() / RESERVE_SHARE;

	return share > RESERVE_LEAST ? share : RESERVE_LEAST;
}

/* All that VMs may have: as much as would be there without any, less a reserve. */
static struct room room_of(const struct ledger_rows *rows)
{
	uint64_t there = budget_available() + sum_resident(rows), keep = reserve();

	return (struct room){
		.memory = gate.memory ? gate.memory : there > keep ? there - keep : 0,
		.cpus = gate.cpus ? gate.cpus : UINT64_MAX,
	};
}

/* --- waiting --- */

enum answer {
	ANSWER_YES, ANSWER_MEMORY, ANSWER_TIGHT, ANSWER_SLOTS, ANSWER_TURN, ANSWER_DEADLOCK
};

/* How many of make's slots the process needs with one more VM that runs. */
static unsigned int slots_wanted(bool one_more)
{
	unsigned int n = gate.nr_running + one_more;

	if (gate.jobs.slots && n > gate.jobs.slots)
		n = gate.jobs.slots;	/* a file alone must be able to run */
	if (n > JOBSERVER_TOKENS)
		n = JOBSERVER_TOKENS;
	return n ? n : 1;
}

static int publish(struct err *err)
{
	if (ledger_write(&gate.ledger, &gate.row))
		return err_set(err, ERR_BROKEN, -ENOSPC,
			       "the gate's ledger is full: %d runners at a time are the most",
			       LEDGER_ROWS);
	return 0;
}

/* The row's wish is granted, or given up. */
static void end_wish(struct ledger_row *row)
{
	row->wants = row->wants_cpus = 0;
	row->ticket = 0;
	row->starved = false;
}

/* Under the lock: takes memory and slots, or says what is missing. */
static enum answer ask(bool runs)
{
	struct ledger_row *row = &gate.row;
	struct room all;

	ledger_read(&gate.ledger, &gate.rows);
	if (row->wants)
		all = room_of(&gate.rows);
	if (row->wants && !policy_fits(&gate.rows, row, &all))
		return policy_is_victim(&gate.rows, row, &all) ? ANSWER_DEADLOCK :
							       ANSWER_MEMORY;
	if (row->wants && policy_held(&gate.rows).memory && budget_is_tight())
		return ANSWER_TIGHT;
	if (!row->holds && policy_first_starved(&gate.rows, row->make))
		return ANSWER_TURN;
	if (!jobserver_take(&gate.jobs, slots_wanted(runs)))
		return ANSWER_SLOTS;
	row->holds += row->wants;
	row->holds_cpus += row->wants_cpus;
	end_wish(row);
	return ANSWER_YES;
}

/*
 * Under the lock, with ask()'s answer: others see that we wait, and for what;
 * make has our slots meanwhile.
 */
static int stay(enum answer answer, struct err *err)
{
	struct ledger_row *row = &gate.row;
	bool news = !row->ticket || row->starved != (answer == ANSWER_SLOTS);
	const struct ledger_row *first;
	int ret = 0;

	if (!row->ticket) {
		row->ticket = ledger_ticket(&gate.ledger);
		row->since = time(NULL);
	}
	row->starved = answer == ANSWER_SLOTS;
	if (news)
		ret = publish(err);
	if (ret)
		return ret;
	ledger_read(&gate.ledger, &gate.rows);
	first = policy_first_starved(&gate.rows, row->make);
	if (first && first->pid == row->pid)
		jobserver_take(&gate.jobs, 1);
	else
		jobserver_give(&gate.jobs, 0);
	return 0;
}

static void await_change(enum answer why, int64_t deadline)
{
	bool one = slots_wanted(true) - jobserver_slots_held(&gate.jobs) == 1;
	/* Memory that others than VMs give back, and pressure, end without an event;
	 * and a pipe with fewer slots than we need is readable all the time. */
	int64_t look = deadline_in(why == ANSWER_SLOTS && !one ? FEW_LOOK : LOOK);
	struct pollfd fds[] = {
		{ gate.ledger.watch_fd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
		{ why == ANSWER_SLOTS && one ? gate.jobs.read_fd : -1, POLLIN, 0 },
	};

	poll(fds, 3, deadline_poll_ms(look < deadline ? look : deadline));
}

static void give_up(void)
{
	ledger_lock(&gate.ledger);
	end_wish(&gate.row);
	ledger_write(&gate.ledger, &gate.row);
	ledger_unlock(&gate.ledger);
	/* Whoever gives up goes on, with the slots of what runs. */
	if (!jobserver_take(&gate.jobs, slots_wanted(false)))
		jobserver_settle(&gate.jobs, deadline_in(SETTLE));
}

static int failed(enum answer why, uint64_t wants, int64_t start, struct err *err)
{
	uint64_t holds = gate.row.holds;
	uint64_t guests = holds + wants - (gate.nr_running + 1) * GATE_OVERHEAD;

	give_up();
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
		       why >= ANSWER_SLOTS ? "slots of make's" : "memory",
		       seconds_since(start));
}

static void tell(bool waits)
{
	if (gate.on_wait && gate.told != waits)
		gate.on_wait(waits);
	gate.told = waits;
}

/* Until row.wants is granted.  runs: with a slot of make's for one more VM. */
static int wait_for_turn(bool runs, double *waited, struct err *err)
{
	int64_t start = clock_ns(), deadline = deadline_in(PATIENCE);
	uint64_t wants = gate.row.wants;
	bool waiting = false;

	for (;;) {
		enum answer answer;
		int ret = 0;

		ledger_drain(&gate.ledger);
		ledger_lock(&gate.ledger);
		answer = ask(runs);
		if (answer == ANSWER_YES)
			ret = publish(err);
		else
			ret = stay(answer, err);
		ledger_unlock(&gate.ledger);
		*waited = waiting ? seconds_since(start) : 0;
		if (ret || answer == ANSWER_YES)
			return ret;
		if (answer == ANSWER_DEADLOCK || interrupt_pending() ||
		    clock_ns() >= deadline)
			return failed(answer, wants, start, err);
		/* Look again at once with our wish in the ledger: it may end a deadlock. */
		if (waiting) {
			tell(true);
			await_change(answer, deadline);
		}
		waiting = true;
	}
}

/* --- requests --- */

static int too_large(uint64_t memory, unsigned int cpus, struct err *err)
{
	uint64_t most;

	ledger_lock(&gate.ledger);
	ledger_read(&gate.ledger, &gate.rows);
	most = room_of(&gate.rows).memory;
	ledger_unlock(&gate.ledger);
	if (gate.cpus && gate.row.holds_cpus + cpus > gate.cpus)
		return err_set(err, ERR_USER, -E2BIG,
			       "%u processors are wanted, in all; --cpus allows %u",
			       gate.row.holds_cpus + cpus, gate.cpus);
	if (gate.row.holds + memory <= most)
		return 0;
	return err_set(err, ERR_USER, -E2BIG,
		       "%llu MiB of memory are wanted, in all (%llu MiB of it for QEMU itself); %s %llu MiB",
		       (unsigned long long)(gate.row.holds + memory) >> 20,
		       (unsigned long long)GATE_OVERHEAD >> 20,
		       gate.memory ? "--mem allows" : "this machine has",
		       (unsigned long long)most >> 20);
}

static int request(uint64_t memory, unsigned int cpus, bool runs, double *waited,
		   struct err *err)
{
	int ret = open_ledger(err);

	*waited = 0;
	if (!ret && memory)
		ret = too_large(memory, cpus, err);
	if (ret)
		return ret;
	gate.row.wants = memory;
	gate.row.wants_cpus = cpus;
	ret = wait_for_turn(runs, waited, err);
	tell(false);
	return ret;
}

/* From what was claimed; no waiting for memory, but maybe for a slot. */
static int draw(uint64_t memory, unsigned int cpus, double *waited, struct err *err)
{
	int ret;

	if (gate.drawn + memory > gate.claimed)
		return err_set(err, ERR_USER, -E2BIG,
			       "with this VM the file has %llu MiB; it claimed %llu MiB",
			       (unsigned long long)(gate.drawn + memory) >> 20,
			       (unsigned long long)gate.claimed >> 20);
	if (gate.claimed_cpus && gate.drawn_cpus + cpus > gate.claimed_cpus)
		return err_set(err, ERR_USER, -E2BIG,
			       "with this VM the file has %u processors; it claimed %u",
			       gate.drawn_cpus + cpus, gate.claimed_cpus);
	ret = request(0, 0, true, waited, err);
	if (ret)
		return ret;
	gate.drawn += memory;
	gate.drawn_cpus += cpus;
	return 0;
}

int gate_enter(struct gate_pass *pass, uint64_t memory, unsigned int cpus,
	       double *waited, struct err *err)
{
	uint64_t charge = gate.claimed ? memory : memory + GATE_OVERHEAD;
	int ret;

	ret = gate.claimed ? draw(charge, cpus, waited, err) :
			     request(charge, cpus, true, waited, err);
	if (ret)
		return ret;
	*pass = (struct gate_pass){ .in = true, .runs = true, .memory = charge, .cpus = cpus };
	gate.nr_running++;
	return 0;
}

bool gate_try(struct gate_pass *pass, uint64_t memory, unsigned int cpus)
{
	uint64_t charge = memory + GATE_OVERHEAD;
	struct room held, all;
	bool free = true;
	struct err ignored;

	if (gate.claimed || open_ledger(&ignored))
		return false;
	ledger_lock(&gate.ledger);
	ledger_read(&gate.ledger, &gate.rows);
	for (size_t i = 0; i < gate.rows.n; i++)
		free = free && !gate.rows.row[i].ticket;
	if (free) {
		held = policy_held(&gate.rows);
		all = room_of(&gate.rows);
		free = held.memory + 2 * charge <= all.memory &&
		       held.cpus + 2 * cpus <= all.cpus && !budget_is_tight();
	}
	if (free) {
		gate.row.holds += charge;
		gate.row.holds_cpus += cpus;
		free = !publish(&ignored);
	}
	ledger_unlock(&gate.ledger);
	if (free)
		*pass = (struct gate_pass){ .in = true, .memory = charge, .cpus = cpus };
	return free;
}

int gate_run(struct gate_pass *pass, double *waited, struct err *err)
{
	int ret = pass->in && !pass->runs ? request(0, 0, true, waited, err) : 0;

	if (ret || !pass->in || pass->runs)
		return ret;
	pass->runs = true;
	gate.nr_running++;
	return 0;
}

/* Replaces `from` among our VMs in the ledger, if there is room. */
static void note_vm(pid_t from, pid_t to)
{
	for (int i = 0; i < LEDGER_VMS; i++) {
		if (gate.row.vms[i] != from)
			continue;
		gate.row.vms[i] = to;
		break;
	}
	ledger_lock(&gate.ledger);
	ledger_write(&gate.ledger, &gate.row);
	ledger_unlock(&gate.ledger);
}

void gate_waits_for(pid_t pid)
{
	struct err ignored;

	if (open_ledger(&ignored))
		return;
	gate.row.waits_for = pid;
	ledger_lock(&gate.ledger);
	publish(&ignored);
	ledger_unlock(&gate.ledger);
}

void gate_started(struct gate_pass *pass, pid_t qemu)
{
	pass->qemu = qemu;
	note_vm(0, qemu);
}

void gate_leave(struct gate_pass *pass)
{
	if (!pass->in || gate.owner != getpid()) {
		*pass = (struct gate_pass){ 0 };
		return;
	}
	gate.nr_running -= pass->runs;
	if (gate.claimed) {
		gate.drawn -= pass->memory;
		gate.drawn_cpus -= pass->cpus;
	} else {
		gate.row.holds -= pass->memory;
		gate.row.holds_cpus -= pass->cpus;
	}
	note_vm(pass->qemu ? pass->qemu : -1, 0);
	jobserver_give(&gate.jobs, slots_wanted(false));
	*pass = (struct gate_pass){ 0 };
}

int gate_claim(uint64_t memory, unsigned int cpus, double *waited, struct err *err)
{
	int ret;

	*waited = 0;
	if (gate.claimed || gate.row.holds)
		return err_set(err, ERR_USER, -EBUSY,
			       "claim: once, before the file's first VM");
	/* How many QEMUs it is for is not known: VMs of 384 MiB and more have enough. */
	ret = request(memory + memory / 4 + GATE_OVERHEAD, cpus, false, waited, err);
	if (ret)
		return ret;
	gate.claimed = memory;
	gate.claimed_cpus = cpus;
	return 0;
}

/* --- for a person --- */

static void show_row(FILE *to, const struct ledger_row *r)
{
	fprintf(to, "%8d  %8llu MiB  %3u cpus  ", r->pid,
		(unsigned long long)r->holds >> 20, r->holds_cpus);
	if (r->ticket)
		fprintf(to, "waits %lld s for %llu MiB, %u cpus%s  ",
			(long long)(time(NULL) - r->since),
			(unsigned long long)r->wants >> 20, r->wants_cpus,
			r->starved ? ", slots of make's" : "");
	if (r->waits_for)
		fprintf(to, "until %d has built what it needs  ", r->waits_for);
	fprintf(to, "%s\n", r->what);
}

static int in_order(const void *a, const void *b)
{
	const struct ledger_row *x = a, *y = b;

	if (!x->ticket != !y->ticket)
		return x->ticket ? 1 : -1;
	return policy_before(x, y) ? -1 : policy_before(y, x);
}

int gate_show(FILE *to, struct err *err)
{
	struct ledger_rows *rows = &gate.rows;
	int ret = open_ledger(err);

	if (ret)
		return ret;
	ledger_lock(&gate.ledger);
	ledger_read(&gate.ledger, rows);
	ledger_unlock(&gate.ledger);
	qsort(rows->row, rows->n, sizeof(rows->row[0]), in_order);
	fprintf(to, "budget %llu MiB, reserved %llu MiB by %zu runner%s%s\n",
		(unsigned long long)room_of(rows).memory >> 20,
		(unsigned long long)policy_held(rows).memory >> 20, rows->n,
		rows->n == 1 ? "" : "s",
		budget_is_tight() ? "; the machine is short of memory: no new VM starts beside others" : "");
	for (size_t i = 0; i < rows->n; i++)
		show_row(to, &rows->row[i]);
	return 0;
}
