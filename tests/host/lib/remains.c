// SPDX-License-Identifier: GPL-2.0-only
/* Copies and compares the shared memory of the agent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/shared/link.h"
#include "agent/shared/shared.h"
#include "agent/wire/stuffing.h"
#include "tests/host/lib/remains.h"

/* Bytes of a frame that are compared: more than a scenario uses. */
#define FRAME_COMPARED (128u << 10)

/*
 * Returns the address of the only mapping of that size which the process shares
 * with others; 0 if there is none, or more than one.
 */
static uint64_t shared_mapping(pid_t pid, size_t size)
{
	uint64_t found = 0, start, end;
	char path[40], line[400];
	unsigned int n = 0;
	FILE *maps;

	size = (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx rw-s", &start, &end) == 2 && strstr(line, " rw-s ") &&
		    end - start == size && ++n)
			found = start;
	if (maps)
		fclose(maps);
	return n == 1 ? found : 0;
}

static void add(struct remains *r, uint64_t base, size_t offset, size_t n)
{
	r->parts[r->nr_parts++] = (struct iovec){ (void *)(uintptr_t)(base + offset), n };
	r->bytes += n;
}

bool remains_open(struct remains *r, pid_t pid, unsigned int channels)
{
	uint64_t state = shared_mapping(pid, sizeof(struct link_state));
	uint64_t in = shared_mapping(pid, STUFFED_SIZE(FRAME_MAX));
	uint64_t shared = shared_mapping(pid, sizeof(struct shared));

	*r = (struct remains){ .pid = pid };
	if (!state || !in || !shared)
		return false;
	add(r, state, 0, sizeof(struct link_state));
	add(r, in, 0, LINK_WINDOW_BYTES);
	add(r, shared, 0, offsetof(struct shared, box[channels]));
	for (unsigned int i = 0; i < channels; i++) {
		add(r, shared, offsetof(struct shared, in[i]), FRAME_COMPARED);
		add(r, shared, offsetof(struct shared, out[i]), FRAME_COMPARED);
	}
	for (unsigned int i = 0; i < JOBS; i++)
		add(r, shared, offsetof(struct shared, jobs[i]), offsetof(struct job, out));
	r->last = malloc(r->bytes);
	r->now = malloc(r->bytes);
	return r->last && r->now && (remains_changed(r), true);
}

bool remains_changed(struct remains *r)
{
	struct iovec copy = { r->now, r->bytes };
	uint8_t *before = r->last;

	if (process_vm_readv(r->pid, &copy, 1, r->parts, r->nr_parts, 0) != (ssize_t)r->bytes)
		return true;
	r->last = r->now;
	r->now = before;
	return memcmp(r->last, before, r->bytes);
}

void remains_release(struct remains *r)
{
	free(r->last);
	free(r->now);
	*r = (struct remains){ 0 };
}
