/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds out what make is going to run, and in which order.  A BASE is the
 * argument of `provium test --verdict BASE`.
 */
#ifndef RUNNER_MAKE_PLAN_H
#define RUNNER_MAKE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/err.h"

struct plan_opts {
	char *const *inputs;	/* files on which every test depends */
	size_t nr_inputs;
	bool all;		/* make runs every test, whatever its verdict */
};

/*
 * Begins a session (session_file.h) in the file.  Its old content is replaced
 * by an "expect" event for each BASE that make is going to run: each one
 * without a verdict, or with a verdict that is older than an input or a
 * dependency.  0 or -errno.
 */
int plan_write(const char *file, char *const *bases, size_t nr,
	       const struct plan_opts *opts, struct err *err);

/*
 * Writes a makefile with `ORDER := names`, in which the test that took longest
 * comes first.  A name is a BASE relative to the makefile's folder.  BASEs
 * without a result are left out.  0 or -errno.
 */
int plan_write_order(const char *makefile, char *const *bases, size_t nr,
		     struct err *err);

#endif
