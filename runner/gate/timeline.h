/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the VMs of one test file were made and waited for, and how much memory
 * they had reserved: `timeline` in a record (runner/report/record.h).
 *
 * At most a fixed number of spans and steps is kept.  If there are more, the
 * shortest spans are left out, and of two neighbouring steps the smaller one.
 */
#ifndef RUNNER_GATE_TIMELINE_H
#define RUNNER_GATE_TIMELINE_H

#include <jansson.h>
#include <stdint.h>

/* In the order of timeline_names. */
enum timeline_kind {
	TIMELINE_MEMORY,	/* waited for memory */
	TIMELINE_TOKENS,	/* waited for job tokens */
	TIMELINE_FIXTURE,	/* built a fixture, or waited for its builder */
	TIMELINE_BOOT,
	TIMELINE_RESUME,	/* made a clone */
};

/* The names of the kinds in a record; NULL ends the list. */
extern const char *const timeline_names[];

/*
 * Begins the timeline of a file, in the process that will fork the child that
 * runs it.
 */
void timeline_begin(void);
/* Adds something that began at from_ns, on clock_ns(), and has ended now. */
void timeline_span(enum timeline_kind kind, int64_t from_ns);
/* From now on, this process has reserved these bytes, and so many VMs run. */
void timeline_reserved(uint64_t bytes, unsigned int nr_vms);
/* The budget of all VMs, in bytes.  The last one stays in the record. */
void timeline_budget(uint64_t bytes);
/* Returns the timeline up to now as an object.  The caller owns it. */
json_t *timeline_json(void);

#endif
