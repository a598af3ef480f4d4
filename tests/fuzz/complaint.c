// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the parser of kernel logs: each report that it finds must have a
 * title, and lines of the input in their order.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/complaint/parser.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct complaint *c, size_t nr_fed)
{
	if (!c->kind || !memchr(c->title, 0, sizeof(c->title)) || !*c->title)
		abort();
	if (!c->nr_lines || c->nr_lines > COMPLAINT_LINES_MAX)
		abort();
	for (size_t i = 0; i < c->nr_lines; i++)
		if (c->lines[i] >= nr_fed || (i && c->lines[i] <= c->lines[i - 1]))
			abort();
}

void fuzz(const uint8_t *data, size_t size)
{
	struct complaint_parser *p = complaint_parser_new();
	const char *at = (const char *)data, *end = at + size;
	const struct complaint *c;
	size_t nr, n = 0;

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol ? eol : end) - at);

		complaint_parser_feed(p, at, len, n++, 0);
		at += len + 1;
	}
	c = complaint_parser_reports(p, &nr);
	for (size_t i = 0; i < nr; i++)
		check(&c[i], n);
	complaint_parser_free(p);
}
