/* SPDX-License-Identifier: GPL-2.0-only */
/* The page with everything about a run, for a browser. */
#ifndef RUNNER_REPORT_HTML_H
#define RUNNER_REPORT_HTML_H

#include "runner/report/record.h"

/*
 * Appends the page, which needs no other file.  records: an array (record.h);
 * history: the last runs (runner/make/history.h), or NULL.
 */
void html_page(const json_t *records, const struct counts *total, const json_t *history,
	       struct buf *to);

#endif
