// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the times of a file's VMs. */
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "runner/base/deadline.h"
#include "runner/gate/timeline.h"

#define NS_PER_MS 1000000
#define MAX_SPANS 128
#define MAX_STEPS 128
#define NR_KINDS (TIMELINE_RESUME + 1)

const char *const timeline_names[] = {
	"memory", "tokens", "fixture", "boot", "resume", NULL,
};

struct span {
	enum timeline_kind kind;
	int64_t from_ms, to_ms;		/* since the beginning, as in the steps */
};

struct step {
	int64_t at_ms;
	uint64_t mib;
	unsigned int nr_vms;
};

static struct {
	int64_t begin_ns, begin_wall_ms;	/* on clock_ns(), and since 1970 */
	struct span spans[MAX_SPANS];
	struct step steps[MAX_STEPS];
	size_t nr_spans, nr_steps;
	int64_t shortest_ms;		/* of the spans that are kept */
	struct {
		int64_t nr, ns;
	} totals[NR_KINDS];
	uint64_t budget_mib;
} line;

void timeline_begin(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	line.nr_spans = line.nr_steps = 0;
	line.shortest_ms = 0;
	for (size_t i = 0; i < NR_KINDS; i++)
		line.totals[i].nr = line.totals[i].ns = 0;
	line.budget_mib = 0;
	line.begin_ns = clock_ns();
	line.begin_wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / NS_PER_MS;
}

static int64_t ms_of(int64_t ns)
{
	return ns > line.begin_ns ? (ns - line.begin_ns) / NS_PER_MS : 0;
}

/* --- keeping a fixed number of them --- */

static void drop_shortest(void)
{
	while (line.nr_spans > MAX_SPANS / 2) {
		size_t n = 0;

		line.shortest_ms = 2 * line.shortest_ms + 1;
		for (size_t i = 0; i < line.nr_spans; i++)
			if (line.spans[i].to_ms - line.spans[i].from_ms >= line.shortest_ms)
				line.spans[n++] = line.spans[i];
		line.nr_spans = n;
	}
}

static void merge_steps(void)
{
	for (size_t i = 0; i < MAX_STEPS / 2; i++) {
		const struct step *a = &line.steps[2 * i], *b = a + 1;
		struct step larger = b->mib > a->mib ? *b : *a;

		larger.at_ms = a->at_ms;
		line.steps[i] = larger;
	}
	line.nr_steps = MAX_STEPS / 2;
}

void timeline_span(enum timeline_kind kind, int64_t from_ns)
{
	struct span span = { kind, ms_of(from_ns), ms_of(clock_ns()) };

	line.totals[kind].nr++;
	line.totals[kind].ns += clock_ns() - from_ns;
	if (line.nr_spans == MAX_SPANS)
		drop_shortest();
	if (span.to_ms - span.from_ms >= line.shortest_ms)
		line.spans[line.nr_spans++] = span;
}

void timeline_reserved(uint64_t bytes, unsigned int nr_vms)
{
	if (line.nr_steps == MAX_STEPS)
		merge_steps();
	line.steps[line.nr_steps++] = (struct step){ ms_of(clock_ns()), bytes >> 20, nr_vms };
}

void timeline_budget(uint64_t bytes)
{
	line.budget_mib = bytes >> 20;
}

/* --- the record --- */

static void add_spans(json_t *to)
{
	json_t *list = json_array();

	for (size_t i = 0; i < line.nr_spans; i++)
		json_array_append_new(list, json_pack("[s, I, I]",
						      timeline_names[line.spans[i].kind],
						      (json_int_t)line.spans[i].from_ms,
						      (json_int_t)line.spans[i].to_ms));
	json_object_set_new(to, "spans", list);
}

static void add_steps(json_t *to)
{
	json_t *list = json_array();

	for (size_t i = 0; i < line.nr_steps; i++)
		json_array_append_new(list, json_pack("[I, I, i]",
						      (json_int_t)line.steps[i].at_ms,
						      (json_int_t)line.steps[i].mib,
						      line.steps[i].nr_vms));
	json_object_set_new(to, "reserved", list);
}

static void add_totals(json_t *to)
{
	json_t *totals = json_object();

	for (size_t i = 0; i < NR_KINDS; i++)
		if (line.totals[i].nr)
			json_object_set_new(totals, timeline_names[i],
					    json_pack("[I, I]", (json_int_t)line.totals[i].nr,
						      (json_int_t)(line.totals[i].ns / NS_PER_MS)));
	if (json_object_size(totals))
		json_object_set(to, "totals", totals);
	json_decref(totals);
}

json_t *timeline_json(void)
{
	json_t *timeline = json_pack("{s:I, s:I}", "start", (json_int_t)line.begin_wall_ms,
				     "ms", (json_int_t)ms_of(clock_ns()));

	if (line.budget_mib)
		json_object_set_new(timeline, "budget",
				    json_integer((json_int_t)line.budget_mib));
	if (line.nr_spans)
		add_spans(timeline);
	if (line.nr_steps)
		add_steps(timeline);
	add_totals(timeline);
	return timeline;
}
