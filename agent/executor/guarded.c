// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers with a guard page behind them and a canary before them.  Small ones
 * use a permanent slot, which needs no system call; a large one gets its own
 * mapping.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/executor/guarded.h"

#define PAGE 4096u
#define CANARY 0xc5
#define CANARY_LEN 256u			/* bytes */
#define SLOT_PAGES 5u			/* the last page is the guard */
#define SLOT_SIZE (SLOT_PAGES * PAGE)
#define SLOT_ROOM ((SLOT_PAGES - 1) * PAGE - CANARY_LEN)
#define NR_SLOTS 32u

/* Placed at the start of a large buffer's mapping. */
struct mapping {
	struct mapping *next;
	size_t len;
};

/*
 * Makes one mapping for all slots, in which every fifth page is inaccessible.
 */
static int slots_init(struct guards *guards)
{
	uint8_t *p = mmap(NULL, NR_SLOTS * SLOT_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	for (size_t i = 1; i <= NR_SLOTS; i++)
		mprotect(p + i * SLOT_SIZE - PAGE, PAGE, PROT_NONE);
	guards->slots = p;
	return 0;
}

static void fill(struct guarded *g, uint8_t *guard_page, size_t len)
{
	g->p = guard_page - len;
	g->len = len;
	memset(g->p - CANARY_LEN, CANARY, CANARY_LEN);
	memset(g->p, 0, len);
}

/*
 * struct mapping has a page for itself: a write before the buffer damages the
 * canary, not this list.
 */
static int get_mapped(struct guards *guards, struct guarded *g, size_t len)
{
	size_t room = PAGE + (CANARY_LEN + len + PAGE - 1) / PAGE * PAGE;
	uint8_t *p = mmap(NULL, room + PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mapping *m = (void *)p;

	if (p == MAP_FAILED)
		return -errno;
	mprotect(p + room, PAGE, PROT_NONE);
	*m = (struct mapping){ guards->mappings, room + PAGE };
	guards->mappings = m;
	fill(g, p + room, len);
	return 0;
}

int guarded_get(struct guards *guards, struct guarded *g, size_t len)
{
	int ret = guards->slots ? 0 : slots_init(guards);

	if (ret)
		return ret;
	if (len > SLOT_ROOM || guards->slots_used == NR_SLOTS)
		return get_mapped(guards, g, len);
	guards->slots_used++;
	fill(g, guards->slots + guards->slots_used * SLOT_SIZE - PAGE, len);
	return 0;
}

uint32_t guarded_check(const struct guarded *g)
{
	const uint8_t *p = g->p - CANARY_LEN;

	for (uint32_t i = 0; i < CANARY_LEN; i++)
		if (p[i] != CANARY)
			return CANARY_LEN - i;
	return 0;
}

void guarded_put_all(struct guards *guards)
{
	while (guards->mappings) {
		struct mapping *m = guards->mappings;

		guards->mappings = m->next;
		munmap(m, m->len);
	}
	guards->slots_used = 0;
}

void guards_release(struct guards *guards)
{
	guarded_put_all(guards);
	if (guards->slots)
		munmap(guards->slots, NR_SLOTS * SLOT_SIZE);
	guards->slots = NULL;
}
