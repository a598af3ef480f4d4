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
#define COMPLAINT_LINES_MAX 400		/* most lines of one report; later lines
					 * belong to no report */

/* One report.  Owned by the parser until complaint_parser_free(). */
struct complaint {
	const char *kind;		/* the first column of kinds.def */
	char title[COMPLAINT_TITLE_MAX];
	bool fatal;			/* an oops or worse: calls in flight will not return */
	bool stuck;			/* code does not end: they may not return */
	bool lasts;			/* a state that may be reported again */
	bool panic;			/* the kernel stopped after the report,
					 * or because of it */
	size_t *lines;			/* the numbers of the report's lines, as
					 * given to complaint_parser_feed(),
					 * ascending */
	size_t nr_lines;
};

struct complaint_parser;

/*
 * Creates a parser.  Never returns NULL: without memory the process ends, as
 * everywhere in runner/base/.
 */
struct complaint_parser *complaint_parser_new(void);
void complaint_parser_free(struct complaint_parser *p);

/*
 * Reads the next line of the log, without its newline: "[    1.234567][  T12]
 * text" or the text alone.  number is the number by which the caller knows the
 * line.  caller identifies the task or processor that printed it; 0: not known,
 * or given in the line itself.  Lines that user space wrote to the log
 * (/dev/kmsg, facility other than 0) must not be passed to this function.
 */
void complaint_parser_feed(struct complaint_parser *p, const char *line, size_t len,
			   size_t number, uint32_t caller);

/*
 * Returns all reports found so far, in the order in which they began, and their
 * number in *nr.  A report that is still being printed is included, and grows
 * with further lines.
 */
const struct complaint *complaint_parser_reports(const struct complaint_parser *p,
						 size_t *nr);

#endif
