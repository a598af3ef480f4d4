// SPDX-License-Identifier: GPL-2.0-only
/* Reports what a signal has interrupted. */
#include "runner/report/format.h"
#include "runner/run/interrupted.h"

/* The place where the file was: "at FILE:LINE, in CALL; in the guest STATE". */
static void add_place(struct buf *to, const json_t *test)
{
	const char *where = record_text(test, "where"), *call = record_text(test, "call");
	const char *state = record_text(test, "state");

	if (!*where) {
		buf_addf(to, "      it was in a function that a signal cannot interrupt, such as os.execute()\n");
		return;
	}
	buf_addf(to, "      at %s", where);
	if (*call)
		buf_addf(to, ", in %s", call);
	buf_addf(to, "\n");
	if (*state)
		buf_addf(to, "      in the guest: %s\n", state);
}

void interrupted_file(struct buf *to, const json_t *record, const json_t *test)
{
	const json_t *name = json_object_get(test, "name");

	format_brief.file(record, 0, to);
	buf_addf(to, "  · %s ... interrupted",
		 name ? json_string_value(name) : "(outside of the tests)");
	if (record_seconds(test) > 0)
		buf_addf(to, " after %.1f s", record_seconds(test));
	buf_addf(to, "\n");
	add_place(to, test);
}

void interrupted_end(struct buf *to, const struct counts *total, size_t nr_not_run)
{
	buf_addf(to, "interrupted: ");
	counts_numbers(total, to);
	if (nr_not_run)
		buf_addf(to, "; %zu file%s did not run", nr_not_run, nr_not_run == 1 ? "" : "s");
	buf_addf(to, "\n");
}
