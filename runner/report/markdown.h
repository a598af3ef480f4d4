/* SPDX-License-Identifier: GPL-2.0-only */
/* The summary of a run in Markdown, as pages of CI services show it. */
#ifndef RUNNER_REPORT_MARKDOWN_H
#define RUNNER_REPORT_MARKDOWN_H

#include "runner/report/record.h"

/*
 * Appends the totals, the first failures and a table of the files.  records: an
 * array (record.h).
 */
void markdown_summary(const json_t *records, const struct counts *total, struct buf *to);

#endif
