/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the runners of this user on this machine have reserved, in one file.
 *
 * A row belongs to the process that holds the lock on its byte; the kernel
 * drops the lock with the process, whatever ends it, and the row is free.
 * Whoever waits is woken by inotify: the file is written to when a row
 * changes, and closed when its process ends.
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

/* Sizes in bytes; a row waits while ticket is not 0. */
struct ledger_row {
	uint64_t ticket;		/* order in which they began to wait */
	uint64_t holds;
	uint64_t wants;
	uint32_t holds_cpus;
	uint32_t wants_cpus;
	int32_t pid;			/* of the runner */
	int32_t parent;			/* of that: waits for it, if it is a runner, too */
	int32_t waits_for;		/* pid of who builds what it needs; 0: nobody */
	int32_t vms[LEDGER_VMS];	/* of QEMUs, or 0 */
	int64_t since;			/* waits: CLOCK_REALTIME, seconds */
	uint64_t make;			/* whose slots it has (jobserver_name()); 0: nobody's */
	bool starved;			/* there is memory; it waits for those slots */
	char label[112];			/* the test file */
};

struct ledger {
	int fd;				/* -1: not open */
	int watch_fd;			/* readable when something has changed */
	int mine;			/* our row, or -1 */
};

/* The rows of live processes, in no order. */
struct ledger_rows {
	struct ledger_row row[LEDGER_ROWS];
	int at[LEDGER_ROWS];		/* where each is in the file */
	size_t n;
};

void ledger_init(struct ledger *l);
/*
 * $PROVIUM_GATE, else a folder of this user's in /dev/shm.  0 or -errno with
 * err filled: somebody else's folder there is not used.
 */
int ledger_open(struct ledger *l, struct err *err);
/* One process at a time between these two. */
void ledger_lock(struct ledger *l);
void ledger_unlock(struct ledger *l);
/* Under the lock. */
void ledger_read(struct ledger *l, struct ledger_rows *rows);
/* Writes our row (taking one if we have none).  0, or -ENOSPC. */
int ledger_write(struct ledger *l, const struct ledger_row *row);
/* The next ticket, never given before. */
uint64_t ledger_ticket(struct ledger *l);
/* Forgets what watch_fd has to say so far. */
void ledger_drain(struct ledger *l);
void ledger_close(struct ledger *l);

#endif
