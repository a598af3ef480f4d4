// SPDX-License-Identifier: GPL-2.0-only
/* Makes and returns the reservations of this process's VMs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/gate/budget.h"
#include "runner/gate/gate.h"
#include "runner/gate/show.h"
#include "runner/gate/timeline.h"
#include "runner/gate/wait.h"

static struct {
	struct jobserver_account *account;
	struct wait wait;
	/*
	 * The claim, which is the memory and processors that this process has
	 * reserved for all of its VMs in advance (gate_claim()), and the part
	 * of it that VMs use.  claimed.cpus 0: no limit.
	 */
	struct room claimed, drawn;
	uint64_t peak;			/* see gate_peak() */
} gate;

/* --- the runner: limits, and the job tokens of make --- */

void gate_on_wait(void (*fn)(bool waits))
{
	gate.wait.on_wait = fn;
}

void gate_set_budget(uint64_t memory, unsigned int cpus)
{
	gate.wait.limit.memory = memory;
	gate.wait.limit.cpus = cpus;
}

int gate_init(const char *account, struct err *err)
{
	ledger_init(&gate.wait.ledger);
	jobserver_open(&gate.wait.jobs, getenv("MAKEFLAGS"), NULL);
	gate.account = jobserver_account_new(jobserver_exists(&gate.wait.jobs) ? account : NULL);
	if (!gate.account)
		return err_set(err, ERR_BROKEN, -errno,
			       "gate: cannot create the account of job tokens%s%s: %s",
			       account ? " " : "", account ? account : "",
			       strerror(errno));
	gate.wait.jobs.account = gate.account;
	return 0;
}

bool gate_dry_run(void)
{
	return jobserver_dry_run(getenv("MAKEFLAGS"));
}

void gate_return_tokens(void)
{
	if (gate.account)
		jobserver_restore(&gate.wait.jobs, deadline_in(JOBSERVER_RETURN_S));
}

int gate_return_tokens_of(const char *account, struct err *err)
{
	struct jobserver_account *a = jobserver_account_open(account);
	struct jobserver jobs;

	if (!a && errno == ENOENT)
		return 0;		/* another process has returned the tokens already */
	if (!a)
		return err_set(err, ERR_BROKEN, -errno,
			       "gate: cannot read the account of job tokens %s: %s",
			       account, strerror(errno));
	jobserver_open(&jobs, getenv("MAKEFLAGS"), a);
	jobserver_restore(&jobs, deadline_in(JOBSERVER_RETURN_S));
	unlink(account);
	return 0;
}

void gate_set_label(const char *label)
{
	snprintf(gate.wait.row.label, sizeof(gate.wait.row.label), "%s", label);
}

/*
 * Opens the ledger of all runners' reservations.  Opens make's jobserver as
 * well, in a process that did not call gate_init().
 */
static int open_gate(struct err *err)
{
	if (!gate.account && gate_init(NULL, err))
		return -EIO;
	return wait_open(&gate.wait, err);
}

/* --- reserving memory and processors for VMs --- */

static void note_reserved(void)
{
	timeline_reserved(gate.wait.row.holds, gate.wait.nr_running);
}

static int request(uint64_t memory, unsigned int cpus, bool one_more, double *waited,
		   struct err *err)
{
	int ret = open_gate(err);

	*waited = 0;
	if (gate.wait.row.holds + memory > gate.peak)
		gate.peak = gate.wait.row.holds + memory;
	return ret ? ret : wait_for(&gate.wait, memory, cpus, one_more, waited, err);
}

uint64_t gate_peak(void)
{
	return gate.peak;
}

/*
 * Gives a VM memory out of the claim, which this process has reserved in
 * advance.  Can wait for a job token, but not for memory.
 */
static int draw(uint64_t memory, unsigned int cpus, double *waited, struct err *err)
{
	int ret;

	if (gate.drawn.memory + memory > gate.claimed.memory)
		return err_set(err, ERR_USER, -E2BIG,
			       "with this VM the file needs %llu MiB of guest memory, but it claimed only %llu MiB",
			       (unsigned long long)(gate.drawn.memory + memory) >> 20,
			       (unsigned long long)gate.claimed.memory >> 20);
	if (gate.claimed.cpus && gate.drawn.cpus + cpus > gate.claimed.cpus)
		return err_set(err, ERR_USER, -E2BIG,
			       "with this VM the file needs %llu processors, but it claimed only %llu",
			       (unsigned long long)gate.drawn.cpus + cpus,
			       (unsigned long long)gate.claimed.cpus);
	ret = request(0, 0, true, waited, err);
	if (ret)
		return ret;
	gate.drawn.memory += memory;
	gate.drawn.cpus += cpus;
	return 0;
}

int gate_enter(struct gate_pass *pass, uint64_t memory, unsigned int cpus,
	       double *waited, struct err *err)
{
	uint64_t charge = gate.claimed.memory ? memory : memory + BUDGET_OVERHEAD;
	int ret;

	ret = gate.claimed.memory ? draw(charge, cpus, waited, err) :
			     request(charge, cpus, true, waited, err);
	if (ret)
		return ret;
	*pass = (struct gate_pass){ .in = true, .runs = true, .memory = charge, .cpus = cpus };
	gate.wait.nr_running++;
	note_reserved();
	return 0;
}

bool gate_enter_spare(struct gate_pass *pass, uint64_t memory, unsigned int cpus)
{
	uint64_t charge = memory + BUDGET_OVERHEAD;
	struct room held, budget;
	bool free = true;
	struct err ignored;

	if (gate.claimed.memory || open_gate(&ignored))
		return false;
	ledger_lock(&gate.wait.ledger);
	ledger_read(&gate.wait.ledger, &gate.wait.rows);
	for (size_t i = 0; i < gate.wait.rows.n; i++)
		free = free && !gate.wait.rows.row[i].ticket;
	if (free) {
		held = policy_held(&gate.wait.rows);
		budget = budget_room(&gate.wait.limit, &gate.wait.rows);
		free = held.memory + 2 * charge <= budget.memory &&
		       held.cpus + 2 * cpus <= budget.cpus && !budget_is_tight();
	}
	if (free) {
		gate.wait.row.holds += charge;
		gate.wait.row.holds_cpus += cpus;
		free = !ledger_write(&gate.wait.ledger, &gate.wait.row, &ignored);
	}
	ledger_unlock(&gate.wait.ledger);
	if (!free)
		return false;
	*pass = (struct gate_pass){ .in = true, .memory = charge, .cpus = cpus };
	note_reserved();
	return true;
}

int gate_run_spare(struct gate_pass *pass, double *waited, struct err *err)
{
	int ret = pass->in && !pass->runs ? request(0, 0, true, waited, err) : 0;

	if (ret || !pass->in || pass->runs)
		return ret;
	pass->runs = true;
	gate.wait.nr_running++;
	note_reserved();
	return 0;
}

/*
 * Replaces a pid in the ledger's list of our VMs; pid 0 is a free place.  VMs
 * beyond LEDGER_VMS are not listed: their memory is then counted twice.
 */
static void note_vm(pid_t from, pid_t to)
{
	struct err ignored;

	for (int i = 0; i < LEDGER_VMS; i++) {
		if (gate.wait.row.vms[i] != from)
			continue;
		gate.wait.row.vms[i] = to;
		break;
	}
	ledger_lock(&gate.wait.ledger);
	ledger_write(&gate.wait.ledger, &gate.wait.row, &ignored);
	ledger_unlock(&gate.wait.ledger);
}

void gate_waits_for(pid_t pid)
{
	struct err ignored;

	if (open_gate(&ignored))
		return;
	gate.wait.row.waits_for = pid;
	ledger_lock(&gate.wait.ledger);
	ledger_write(&gate.wait.ledger, &gate.wait.row, &ignored);
	ledger_unlock(&gate.wait.ledger);
}

void gate_started(struct gate_pass *pass, pid_t qemu)
{
	pass->qemu = qemu;
	note_vm(0, qemu);
}

void gate_leave(struct gate_pass *pass)
{
	if (!pass->in || gate.wait.owner != getpid()) {
		*pass = (struct gate_pass){ 0 };
		return;
	}
	gate.wait.nr_running -= pass->runs;
	if (gate.claimed.memory) {
		gate.drawn.memory -= pass->memory;
		gate.drawn.cpus -= pass->cpus;
	} else {
		gate.wait.row.holds -= pass->memory;
		gate.wait.row.holds_cpus -= pass->cpus;
	}
	note_reserved();
	note_vm(pass->qemu ? pass->qemu : -1, 0);
	jobserver_give(&gate.wait.jobs, wait_tokens_needed(&gate.wait, gate.wait.nr_running));
	*pass = (struct gate_pass){ 0 };
}

int gate_may_keep(const struct gate_pass *pass, struct err *err)
{
	uint64_t held, budget;

	ledger_lock(&gate.wait.ledger);
	ledger_read(&gate.wait.ledger, &gate.wait.rows);
	ledger_unlock(&gate.wait.ledger);
	held = policy_held(&gate.wait.rows).memory;
	budget = budget_room(&gate.wait.limit, &gate.wait.rows).memory;
	if (held + pass->memory <= budget && !budget_is_tight())
		return 0;
	return err_set(err, ERR_USER, -EBUSY,
		       "it has %llu MiB, and no other VM of this size has room beside it; "
		       "give more memory (--mem), or end kept VMs (provium kept)",
		       (unsigned long long)pass->memory >> 20);
}

void gate_leave_make(void)
{
	struct jobserver *j = &gate.wait.jobs;
	struct err ignored;

	if (jobserver_exists(j)) {
		close(j->read_fd);
		close(j->write_fd);
		j->read_fd = j->write_fd = -1;
	}
	gate.wait.row.make = 0;
	ledger_lock(&gate.wait.ledger);
	ledger_write(&gate.wait.ledger, &gate.wait.row, &ignored);
	ledger_unlock(&gate.wait.ledger);
}

bool gate_is_lost(void)
{
	struct stat st;

	return fstat(gate.wait.ledger.fd, &st) || !st.st_nlink;
}

int gate_claim(uint64_t memory, unsigned int cpus, double *waited, struct err *err)
{
	int ret;

	*waited = 0;
	if (gate.claimed.memory || gate.wait.row.holds)
		return err_set(err, ERR_USER, -EBUSY,
			       "claim: allowed once, and only before the file's first VM");
	/*
	 * How many QEMUs will share the claim is not known yet.  A quarter of
	 * the memory covers their overhead for guests of 384 MiB and more.
	 */
	ret = request(memory + memory / 4 + BUDGET_OVERHEAD, cpus, false, waited, err);
	if (ret)
		return ret;
	gate.claimed.memory = memory;
	gate.claimed.cpus = cpus;
	note_reserved();
	return 0;
}

int gate_holders(struct gate_holder *list, int max, struct err *err)
{
	struct ledger_rows *rows = &gate.wait.rows;
	int ret = open_gate(err), n = 0;

	if (ret)
		return ret;
	ledger_lock(&gate.wait.ledger);
	ledger_read(&gate.wait.ledger, rows);
	ledger_unlock(&gate.wait.ledger);
	for (size_t i = 0; i < rows->n && n < max; i++)
		list[n++] = (struct gate_holder){ rows->row[i].pid, rows->row[i].holds };
	return n;
}

int gate_show(FILE *to, struct err *err)
{
	struct ledger_rows *rows = &gate.wait.rows;
	struct room budget;
	int ret = open_gate(err);

	if (ret)
		return ret;
	ledger_lock(&gate.wait.ledger);
	ledger_read(&gate.wait.ledger, rows);
	ledger_unlock(&gate.wait.ledger);
	budget = budget_room(&gate.wait.limit, rows);
	show_ledger(to, rows, &budget, budget_is_tight());
	return 0;
}
