/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs test files one after the other and reports their results. */
#ifndef RUNNER_RUN_SUITE_H
#define RUNNER_RUN_SUITE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/report/format.h"

struct suite_opts {
	const struct format *format;
	bool fail_fast;		/* stop after the first failure */
	bool rerun_failed;	/* only tests that failed when they last ran */
	const char *filter;	/* Lua pattern for test titles, or NULL */
	/*
	 * What to do at a failure: "shell", "repl", "gdb", "keep", "ask" or
	 * NULL.
	 */
	const char *on_failure;
	bool gdb;		/* run the file under gdb */
	bool record;		/* record the VMs, and keep the recordings of failures */
	/*
	 * With record: the seed of the VMs' timing in the first repetition, and
	 * one more in each further one; or 0.
	 */
	unsigned int chaos;
	const char *verdict;	/* BASE of the result for make, or NULL */
	const char *launch;	/* with verdict: the launcher of the file's runner, or NULL */
	const char *session;	/* file shared with make's other runners, or NULL */
	/*
	 * Of nr_shards parts of the files, run the shard-th one, from 1;
	 * nr_shards 0: all files.
	 */
	unsigned int shard, nr_shards;
	unsigned int repeat;	/* how many times to run everything; at least 1 */
};

/*
 * Runs the files and folders, prints the report to stdout and, with verdict,
 * writes the result (runner/report/record.h).  Returns an exit status
 * (runner/base/exit_status.h), or the negated number of a signal that
 * interrupted the run.  With verdict the status is 0 even if tests fail.
 */
int suite_run(char *const *paths, size_t nr_paths, const struct suite_opts *opts);

#endif
