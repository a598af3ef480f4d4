/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers for system calls: each ends where an unmapped page begins, and has a
 * canary before its start.  If the kernel writes past the end, it gets EFAULT;
 * if it writes before the start, the canary shows it.
 */
#ifndef AGENT_EXECUTOR_GUARDED_H
#define AGENT_EXECUTOR_GUARDED_H

#include <stddef.h>
#include <stdint.h>

/* The buffers of one executor; all zeros: none were made yet. */
struct guards {
	uint8_t *slots;
	size_t slots_used;
	struct mapping *mappings;	/* mappings of buffers that are too
					 * large for a slot */
};

struct guarded {
	uint8_t *p;			/* len bytes; the next byte is not mapped */
	size_t len;
};

/* Makes a buffer of len zeros, with a canary before it.  0 or -errno. */
int guarded_get(struct guards *guards, struct guarded *g, size_t len);
/*
 * Returns how many bytes before the start were overwritten, counted from the
 * farthest one; 0 if the canary is intact.
 */
uint32_t guarded_check(const struct guarded *g);
/* Takes back all buffers from guarded_get(). */
void guarded_put_all(struct guards *guards);
/* As guarded_put_all(); also unmaps the slots. */
void guards_release(struct guards *guards);

#endif
