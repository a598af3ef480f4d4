// SPDX-License-Identifier: GPL-2.0-only
/* Maps shared memory, and frees the pages of large frames. */
#include <sys/mman.h>

#include "agent/shared/memory.h"

void *shared_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void frame_forget(uint8_t *bytes)
{
	madvise(bytes, FRAME_MAX, MADV_REMOVE);
}
