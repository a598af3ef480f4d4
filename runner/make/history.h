/* SPDX-License-Identifier: GPL-2.0-only */
/* What the last runs of make had for results, for the page with the report. */
#ifndef RUNNER_MAKE_HISTORY_H
#define RUNNER_MAKE_HISTORY_H

#include "runner/report/record.h"

/*
 * Adds this run to the history in the file, and leaves the last 50 runs there.
 * A run in which every verdict was reused is not added.  records: an array
 * (record.h).
 *
 * Returns the runs, the oldest first; the caller owns them.  Lines of the file
 * that cannot be read are left out.  NULL with err filled if the file cannot be
 * written.  A run is
 *	time	when it began, in ms since 1970
 *	ms	how long it took, from the first file's beginning to the last
 *		one's end
 *	passed, failed, broken, skipped
 *	files	{ path: { ms, failed [title], error } }: the files that ran. error:
 *		true if there was an error outside of the tests, after which some
 *		tests may not have run.  Empty members are absent.
 */
json_t *history_add(const char *path, const json_t *records, const struct counts *total,
		    struct err *err);

#endif
