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

/* Memory in bytes.  The process waits while ticket is not 0. */
struct ledger_row {
	uint64_t ticket;		/* the order in which requests came */
	uint64_t holds;
	uint64_t wants;
	uint32_t holds_cpus;
	uint32_t wants_cpus;
	int32_t pid;			/* of the runner */
	int32_t parent;			/* its parent, which waits for it if it is a runner */
	int32_t waits_for;		/* pid of its fixture's builder, or 0 */
	int32_t vms[LEDGER_VMS];	/* pids of its QEMUs, or 0 */
	int64_t since;			/* start of the wait: CLOCK_REALTIME, seconds */
	uint64_t make;			/* jobserver_name(); 0: no jobserver */
	bool starved;			/* it waits for job tokens only */
	char label[112];		/* the test file */
};

struct ledger {
	int fd;				/* -1: not open */
	int watch_fd;			/* readable after a change */
	int own_row;			/* its place in the file, or -1 */
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
/* Between these two no other process reads or writes the ledger. */
void ledger_lock(struct ledger *l);
void ledger_unlock(struct ledger *l);
/* The rows of all live processes.  Call it with the lock held. */
void ledger_read(struct ledger *l, struct ledger_rows *rows);
/* Writes our row, taking a free one if we have none.  0 or -errno with err filled. */
int ledger_write(struct ledger *l, const struct ledger_row *row, struct err *err);
/* A new ticket, larger than all before. */
uint64_t ledger_ticket(struct ledger *l);
/* Discards the events that are pending on watch_fd. */
void ledger_drain(struct ledger *l);
void ledger_close(struct ledger *l);

#endif
