/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the reports in a kernel log in which the kernel says that something is
 * wrong with it.  One report, however many lines it has, is one complaint.
 *
 * The lines of a log are fed one after the other.  If the kernel tells who
 * printed a line (CONFIG_PRINTK_CALLER), the reports of several processors and
 * tasks are kept apart.
 */
#ifndef RUNNER_COMPLAINT_PARSER_H
#define RUNNER_COMPLAINT_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPLAINT_TITLE_MAX 200
#define COMPLAINT_LINES_MAX 400		/* of one report; what follows is not its own */

/* One report.  Owned by the parser until complaint_parser_release(). */
struct complaint {
	const char *kind;		/* the first column of kinds.def */
	char title[COMPLAINT_TITLE_MAX];
	bool fatal;			/* an oops or worse: calls in flight will not return */
	bool panic;			/* the kernel stopped after it, or because of it */
	size_t *lines;			/* numbers of its lines, as fed: ascending */
	size_t nr_lines;
};

struct complaint_parser;

/* Never NULL: memory that cannot be had ends the process, as everywhere in base. */
struct complaint_parser *complaint_parser_new(void);
void complaint_parser_free(struct complaint_parser *p);

/*
 * The next line of the log, without its end: "[    1.234567][  T12] text" or the
 * text alone.  number is the caller's own name for the line.  caller tells apart
 * who printed it; 0: not known, or in the line itself.  Text that user space
 * wrote to the log (/dev/kmsg, facility other than 0) must not be fed.
 */
void complaint_parser_feed(struct complaint_parser *p, const char *line, size_t len,
			   size_t number, uint32_t caller);

/*
 * All reports so far, in the order in which they began; *nr of them.  A report
 * that is still being printed is among them, and grows with further lines.
 */
const struct complaint *complaint_parser_reports(const struct complaint_parser *p,
						 size_t *nr);

#endif
