/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that the runners of one make share: a log of the session's events,
 * one per line.
 *
 *	expect SECONDS BASE	make is going to run BASE, which took SECONDS
 *				the last time (-1: unknown)
 *	start PID NS BASE	the runner PID began BASE at clock_ns() NS
 *	wait PID		the runner waits at the gate
 *	go PID			its wait is over
 *	end PID VERDICT BASE	the file has ended
 *
 * A process holds the file's lock (files_lock()) while it reads or appends.
 */
#ifndef RUNNER_MAKE_SESSION_FILE_H
#define RUNNER_MAKE_SESSION_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file that make is going to run, or that it has started. */
struct session_planned {
	char *base;
	double expected_s;		/* -1: unknown */
	bool started;
};

struct session_runner {
	pid_t pid;
	int64_t start_ns;
	double expected_s;		/* expected duration; -1: unknown */
	bool waiting;			/* the runner waits at the gate */
};

/* The state of a session that its events describe.  All zeros: empty. */
struct session {
	struct session_planned *planned;
	struct session_runner *runners;	/* the runners, in the order in which they started */
	size_t nr_planned, nr_runners, nr_done, nr_failed;
};

/*
 * Reads the events from the locked descriptor.  Runners whose process no
 * longer exists are left out: a killed runner appends no "end".
 */
void session_file_read(struct session *s, int fd);
void session_release(struct session *s);

#endif
