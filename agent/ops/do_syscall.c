// SPDX-License-Identifier: GPL-2.0-only
/*
 * The op echo; and the op syscall: one raw system call, with guarded buffers.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/ops/ops.h"
#include "agent/shared/race.h"

int do_echo(struct executor *ex, const struct wire_blob *q, struct wire_blob *p)
{
	(void)ex;
	*p = *q;
	return 0;
}

/*
 * Makes the call.  A child that the call makes, as fork() does, returns here
 * with rax = 0, and exits at once, before it touches a stack that it may share.
 */
static long raw_syscall(const struct wire_syscall_req *q, const uint64_t a[6])
{
	register uint64_t r10 asm("r10") = a[3];
	register uint64_t r8 asm("r8") = a[4];
	register uint64_t r9 asm("r9") = a[5];
	bool forks = q->nr == SYS_fork || q->nr == SYS_vfork ||
		     q->nr == SYS_clone || q->nr == SYS_clone3;
	uint64_t child_mask = forks ? 0 : 1;
	long ret;

	asm volatile("syscall\n\t"
		     "mov %%rax, %%rcx\n\t"
		     "or %[mask], %%rcx\n\t"
		     "jnz 1f\n\t"
		     "xor %%edi, %%edi\n\t"
		     "mov %[exit], %%eax\n\t"
		     "syscall\n"
		     "1:"
		     : "=a"(ret)
		     : "a"(q->nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
		       "r"(r8), "r"(r9), [mask] "b"(child_mask),
		       [exit] "i"(SYS_exit)
		     : "rcx", "r11", "memory", "cc");
	return ret;
}

/*
 * Returns where the address of buffer i must be written: to an argument of the
 * system call, or into another buffer.  NULL if the request names no such
 * place.
 */
static void *place_of(const struct wire_seg *seg, uint32_t i, uint64_t a[6],
		      const struct guarded *g)
{
	if (seg->arg >= 0 && seg->arg < 6)
		return &a[seg->arg];
	if (seg->parent < 0 || (uint32_t)seg->parent >= i)
		return NULL;
	if (g[seg->parent].len < 8 || seg->offset > g[seg->parent].len - 8)
		return NULL;
	return g[seg->parent].p + seg->offset;
}

static int set_up(struct executor *ex, const struct wire_seg *seg, uint32_t i,
		  uint64_t a[6], struct guarded *g)
{
	uint64_t addr;
	void *place;
	int ret;

	if (seg->data.len > seg->len || seg->len > WIRE_MAX)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "buffer %u: %u bytes of data for a length of %u", i,
				     seg->data.len, seg->len);
	place = place_of(seg, i, a, g);
	if (!place)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "buffer %u: its address has no place (argument %d, parent %d, offset %u)",
				     i, seg->arg, seg->parent, seg->offset);
	ret = guarded_get(&ex->guards, &g[i], seg->len);
	if (ret)
		return executor_fail(ex, WIRE_REASON_ERRNO, -ret,
				     "buffer %u of %u bytes", i, seg->len);
	if (seg->data.len)
		memcpy(g[i].p, seg->data.p, seg->data.len);
	addr = (uint64_t)(uintptr_t)g[i].p;
	memcpy(place, &addr, sizeof(addr));
	return 0;
}

static void collect(const struct wire_syscall_req *q, const struct guarded *g,
		    struct wire_list *outs)
{
	const struct wire_seg *segs = q->segs.items;
	struct wire_out *out = outs->items;

	for (uint32_t i = 0; i < q->segs.nr; i++) {
		uint32_t under = guarded_check(&g[i]);

		if (!segs[i].out && !under)
			continue;
		out[outs->nr++] = (struct wire_out){
			.seg = i, .under = under,
			.data = { g[i].p, segs[i].out ? segs[i].len : 0 },
		};
	}
}

/*
 * The buffers are kept until the next call, because the reply points to them.
 */
int do_syscall(struct executor *ex, const struct wire_syscall_req *q,
	       struct wire_syscall_rep *p)
{
	uint64_t a[6] = { q->a0, q->a1, q->a2, q->a3, q->a4, q->a5 };
	const struct wire_seg *segs = q->segs.items;
	struct guarded *bufs = executor_scratch(ex, q->segs.nr * sizeof(*bufs));

	guarded_put_all(&ex->guards);
	p->outs = (struct wire_list){
		executor_scratch(ex, q->segs.nr * sizeof(struct wire_out)), 0,
	};
	if (!bufs || !p->outs.items)
		return executor_fail(ex, WIRE_REASON_BAD, 0, "too many buffers");
	for (uint32_t i = 0; i < q->segs.nr; i++)
		if (set_up(ex, &segs[i], i, a, bufs))
			return -1;
	if (!race_meet(ex->shared, ex->box))
		return executor_fail(ex, WIRE_REASON_RACE_ENDED, 0,
				     "the other side of the race has ended");
	p->ret = raw_syscall(q, a);
	collect(q, bufs, &p->outs);
	return 0;
}
