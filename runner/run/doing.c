// SPDX-License-Identifier: GPL-2.0-only
/* Says what a test file is doing. */
#include "runner/base/text.h"
#include "runner/report/record.h"
#include "runner/run/doing.h"

#define MIN_TITLE 10u			/* columns */

void doing_add(struct buf *to, const struct child_progress *p, size_t total, size_t columns)
{
	struct buf head = { 0 }, tail = { 0 };
	size_t used;

	buf_addf(&head, "%s", record_text(p->record, "name"));
	if (p->test && total > p->nr_ended)
		buf_addf(&head, " %zu/%zu ", p->nr_ended + 1, total);
	else if (p->test)
		buf_addf(&head, " %zu ", p->nr_ended + 1);
	buf_addf(&tail, ", %.0f s%s%s", p->seconds, *p->state ? ", " : "", p->state);
	used = text_columns(buf_str(&head)) + text_columns(buf_str(&tail));
	buf_add(to, head.p, head.len);
	if (p->test)
		text_fit(to, record_text(p->test, "name"),
			 columns > used + MIN_TITLE ? columns - used : MIN_TITLE);
	buf_add(to, tail.p, tail.len);
	buf_release(&head);
	buf_release(&tail);
}
