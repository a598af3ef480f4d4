// SPDX-License-Identifier: GPL-2.0-only
/* The timeline of a file: its numbers, and that it stays small. */
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/gate/timeline.h"
#include "tests/host/lib/tap.h"

#define NS_PER_MS 1000000
#define MANY 5000

static json_int_t at(const json_t *list, size_t row, size_t column)
{
	return json_integer_value(json_array_get(json_array_get(list, row), column));
}

static json_int_t most(const json_t *list, size_t column)
{
	json_int_t max = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		max = at(list, i, column) > max ? at(list, i, column) : max;
	return max;
}

static void test_numbers(void)
{
	json_t *line, *spans, *reserved, *boots;

	timeline_begin();
	timeline_budget(3ull << 30);
	timeline_span(TIMELINE_BOOT, clock_ns() - 20 * NS_PER_MS);
	timeline_span(TIMELINE_BOOT, clock_ns());
	timeline_reserved(608ull << 20, 1);
	line = timeline_json();
	spans = json_object_get(line, "spans");
	reserved = json_object_get(line, "reserved");
	ok(json_integer_value(json_object_get(line, "budget")) == 3072, "the budget is in MiB");
	ok(json_array_size(spans) == 2 &&
	   !strcmp(json_string_value(json_array_get(json_array_get(spans, 0), 0)), "boot") &&
	   at(spans, 0, 1) == 0, "a span has its kind, and does not begin before the file");
	boots = json_object_get(json_object_get(line, "totals"), "boot");
	ok(json_integer_value(json_array_get(boots, 0)) == 2 &&
	   json_integer_value(json_array_get(boots, 1)) >= 20,
	   "the totals have the number and the time of the spans of a kind");
	ok(at(reserved, 0, 1) == 608 && at(reserved, 0, 2) == 1, "a step has MiB and VMs");
	json_decref(line);
	timeline_begin();
	line = timeline_json();
	ok(json_object_size(line) == 2 && json_object_get(line, "start") &&
	   json_object_get(line, "ms"), "a new timeline has only its beginning and duration");
	json_decref(line);
}

static void test_many(void)
{
	json_t *line, *spans, *reserved;
	json_int_t longest = 0;

	timeline_begin();
	/* Lets the longest span begin after the timeline. */
	for (int64_t end = deadline_in(0.05); clock_ns() < end;)
		;
	for (int i = 0; i < MANY; i++) {
		timeline_span(TIMELINE_RESUME, clock_ns() - (i == MANY / 2 ? 40 : 0) * NS_PER_MS);
		timeline_reserved((uint64_t)(i == MANY / 2 ? 900 : i % 2 * 100) << 20, 1);
	}
	timeline_reserved(0, 0);
	line = timeline_json();
	spans = json_object_get(line, "spans");
	reserved = json_object_get(line, "reserved");
	ok(json_integer_value(json_array_get(json_object_get(json_object_get(line, "totals"),
							     "resume"), 0)) == MANY,
	   "the totals have the spans that are left out");
	ok(json_array_size(spans) <= 128 && json_array_size(reserved) <= 128,
	   "%d spans and steps become at most 128 of each", MANY);
	for (size_t i = 0; i < json_array_size(spans); i++)
		if (at(spans, i, 2) - at(spans, i, 1) > longest)
			longest = at(spans, i, 2) - at(spans, i, 1);
	ok(longest >= 39, "the longest span is kept");
	ok(most(reserved, 1) == 900, "the largest step is kept");
	ok(at(reserved, json_array_size(reserved) - 1, 1) == 0, "the last step is kept");
	json_decref(line);
}

int main(void)
{
	test_numbers();
	test_many();
	return done();
}
