/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers for system calls: each ends where an unmapped page begins, and has a
 * canary before its start.  A kernel that writes past the end gets EFAULT; one
 * that writes before the start is found out by the canary.
 */
#ifndef AGENT_EXECUTOR_GUARDED_H
#define AGENT_EXECUTOR_GUARDED_H

#include <stddef.h>
#include <stdint.h>

/* The buffers of one executor; all zeros: none yet. */
struct guards {
	uint8_t *slots;
	size_t slots_used;
	struct mapping *mappings;	/* of the buffers that fit into no slot */
};

struct guarded {
	uint8_t *p;			/* len bytes; the next byte is not mapped */
	size_t len;
};

/* A buffer of len zeros, with a canary before it.  0 or -errno. */
int guarded_get(struct guards *guards, struct guarded *g, size_t len);
/* How many bytes before the start have been written to: counted from the
 * farthest one; 0 if the canary is whole. */
uint32_t guarded_check(const struct guarded *g);
/* Takes back every buffer that guarded_get() has given out. */
void guarded_put_all(struct guards *guards);
/* The same, and unmaps the slots. */
void guards_release(struct guards *guards);

#endif
