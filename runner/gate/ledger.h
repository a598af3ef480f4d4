/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reservations of all runners of this user on this machine, in one file.
 *
 * A row belongs to the process that holds the lock on its byte.  The kernel
 * drops the lock when the process ends, however it ends, and the row is free.
 * inotify wakes a waiting process: a row that changes is a write to the file,
 * and a process that ends closes it.
 */
#ifndef RUNNER_GATE_LEDGER_H
#define RUNNER_GATE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/err.h"

#define LEDGER_ROWS 1024
#define LEDGER_VMS 16

/*
 * One process's reservation, and its request for more.  Memory is in bytes.
 * The process waits while ticket is not 0.
 */
struct ledger_row {
	uint64_t ticket;		/* position in the order in which
					 * requests arrived */
	uint64_t holds;
	uint64_t wants;
	uint32_t holds_cpus;
	uint32_t wants_cpus;
	int32_t pid;			/* the runner */
	int32_t parent;			/* the runner's parent, which waits
					 * for it if it is a runner, too */
	int32_t waits_for;		/* the process that builds the fixture
					 * for which this process waits, or 0 */
	int32_t vms[LEDGER_VMS];	/* pids of the process's QEMUs; 0: unused */
	int64_t since;			/* when the wait began:
					 * CLOCK_REALTIME, in seconds */
	uint64_t make;			/* jobserver_name(); 0: no jobserver */
	bool starved;			/* the process waits for job tokens only */
	char label[112];		/* the test file */
};

struct ledger {
	int fd;				/* -1: not open */
	int watch_fd;			/* readable after a change */
	int own_row;			/* index of this process's row, or -1 */
};

/* The rows of live processes, in any order. */
struct ledger_rows {
	struct ledger_row row[LEDGER_ROWS];
	size_t n;
};

void ledger_init(struct ledger *l);
/*
 * Opens the ledger in $PROVIUM_GATE, else in /dev/shm/provium-UID.  A directory
 * that belongs to another user is refused.  0 or -errno with err filled.
 */
int ledger_open(struct ledger *l, struct err *err);
/*
 * ledger_lock() and ledger_unlock(): between them no other process reads or
 * writes the ledger.
 */
void ledger_lock(struct ledger *l);
void ledger_unlock(struct ledger *l);
/* Reads the rows of all live processes.  Must be called with the lock held. */
void ledger_read(struct ledger *l, struct ledger_rows *rows);
/*
 * Writes this process's row, and takes a free row first if it has none.  0 or
 * -errno with err filled.
 */
int ledger_write(struct ledger *l, const struct ledger_row *row, struct err *err);
/* Returns a new ticket, larger than all earlier ones. */
uint64_t ledger_ticket(struct ledger *l);
/* Discards the events that are pending on watch_fd. */
void ledger_drain(struct ledger *l);
void ledger_close(struct ledger *l);

#endif
