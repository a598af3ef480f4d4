/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that all processes of the agent map at the same address. */
#ifndef AGENT_SHARED_MEMORY_H
#define AGENT_SHARED_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "agent/wire/wire.h"

#define PAGE_SIZE 4096
#define FRAME_MAX (WIRE_HEADER + (size_t)WIRE_MAX)

/* The largest frame, in whole pages, so that frame_forget() can free them. */
struct frame {
	_Alignas(PAGE_SIZE) uint8_t bytes[FRAME_MAX];
};

/*
 * Maps size bytes of zeros that children share with their parent.  A page that
 * is never written needs no memory.  NULL on failure.
 */
void *shared_map(size_t size);
/* Frees the frame's pages; they contain zeros from then on. */
void frame_forget(uint8_t *bytes);

#endif
