/* SPDX-License-Identifier: GPL-2.0-only */
/* What a user can type next after a failure. */
#ifndef RUNNER_REPORT_ADVICE_H
#define RUNNER_REPORT_ADVICE_H

#include "runner/report/record.h"

/* All zeros: nothing is noted. */
struct advice {
	char word[32];	/* for `provium explain` */
};

/* Notes the failures of a file. */
void advice_note(struct advice *a, const json_t *record);
/* Appends two or three lines with a command each. */
void advice_add(const struct advice *a, struct buf *to);

#endif
