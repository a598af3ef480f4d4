// SPDX-License-Identifier: GPL-2.0-only
/* Draws the line on a terminal that shows the progress of make's tests. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/text.h"
#include "runner/base/tty.h"
#include "runner/make/status_line.h"

#define DEFAULT_FILE_S 5.0	/* estimate for a file if no file has ever run */

bool status_line_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

void status_line_remove(struct buf *to)
{
	buf_addf(to, "\r\033[J");
}

/*
 * Estimates the time for a test file that never ran: the average of the others.
 */
static double average_s(const struct session *s)
{
	double sum = 0;
	unsigned int n = 0;

	for (size_t i = 0; i < s->nr_planned; i++)
		if (s->planned[i].expected_s >= 0) {
			sum += s->planned[i].expected_s;
			n++;
		}
	return n ? sum / n : DEFAULT_FILE_S;
}

/*
 * Estimates the time left.  Assumes that as many files run at once as now.  The
 * result is at least what the longest file needs.
 */
static double time_left_s(const struct session *s)
{
	double sum = 0, longest = 0, left, average = average_s(s);

	for (size_t i = 0; i < s->nr_runners; i++) {
		left = s->runners[i].expected_s >= 0 ? s->runners[i].expected_s : average;
		left -= seconds_since(s->runners[i].start_ns);
		sum += left > 0 ? left : 0;
		longest = left > longest ? left : longest;
	}
	for (size_t i = 0; i < s->nr_planned; i++) {
		if (s->planned[i].started)
			continue;
		left = s->planned[i].expected_s >= 0 ? s->planned[i].expected_s : average;
		sum += left;
		longest = left > longest ? left : longest;
	}
	sum /= s->nr_runners ? (double)s->nr_runners : 1;
	return sum > longest ? sum : longest;
}

static void add_counts(const struct session *s, struct buf *to)
{
	size_t nr_to_start = 0;

	for (size_t i = 0; i < s->nr_planned; i++)
		nr_to_start += !s->planned[i].started;
	buf_addf(to, "%zu of %zu done", s->nr_done, s->nr_done + s->nr_runners + nr_to_start);
	if (s->nr_failed)
		buf_addf(to, ", %zu failed", s->nr_failed);
}

static void add_text(const struct session *s, struct buf *to)
{
	size_t nr_waiting = 0;
	double left_s = time_left_s(s);

	for (size_t i = 0; i < s->nr_runners; i++)
		nr_waiting += s->runners[i].waiting;
	buf_addf(to, "%zu running, ", s->nr_runners - nr_waiting);
	add_counts(s, to);
	if (nr_waiting)
		buf_addf(to, ", %zu waiting for memory", nr_waiting);
	if (left_s >= 60)
		buf_addf(to, ", about %.0f min left", left_s / 60);
	else if (left_s >= 1)
		buf_addf(to, ", about %.0f s left", left_s);
}

static void add_doing(const struct session *s, const char *doing, struct buf *to)
{
	add_counts(s, to);
	buf_addf(to, ": %s", doing);
}

void status_line_draw(const struct session *s, const char *doing, struct buf *to)
{
	struct buf text = { 0 };

	if (!s->nr_runners)
		return;
	if (s->nr_runners == 1 && *doing)
		add_doing(s, doing, &text);
	else
		add_text(s, &text);
	buf_addf(to, "\n");
	text_fit(to, buf_str(&text), tty_usable_columns());
	buf_addf(to, "\033[A\r");
	buf_release(&text);
}
