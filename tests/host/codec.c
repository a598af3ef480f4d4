// SPDX-License-Identifier: GPL-2.0-only
/*
 * The codec, over every message of the table: an encoded message decodes to the
 * same fields, truncated messages and trailing bytes are refused, and random
 * bytes do no harm.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire/wire.h"
#include "tests/host/lib/tap.h"

#define RANDOM_ROUNDS 20000

static uint64_t state = 0x9e3779b97f4a7c15u;

/* xorshift64*: the same numbers in every run. */
static uint32_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1du >> 32);
}

static uint8_t scratch[1 << 20], bytes[64];

static void fill(const struct wire_desc *desc, void *msg);

static void fill_field(const struct wire_field *f, void *at)
{
	const struct wire_desc *elem = wire_elem(f->type);

	if (wire_int_size(f->type)) {
		uint64_t v = (uint64_t)rnd() << 32 | rnd();

		memcpy(at, &v, wire_int_size(f->type));
	} else if (elem) {
		struct wire_list *l = at;

		l->nr = rnd() % 4;
		l->items = calloc(l->nr + 1, elem->size);
		for (uint32_t i = 0; i < l->nr; i++)
			fill(elem, (uint8_t *)l->items + i * elem->size);
	} else {
		struct wire_bytes *b = at;

		b->p = bytes;
		b->len = rnd() % (uint32_t)sizeof(bytes);
	}
}

static void fill(const struct wire_desc *desc, void *msg)
{
	for (size_t i = 0; i < desc->nr_fields; i++)
		fill_field(&desc->fields[i],
			   (uint8_t *)msg + desc->fields[i].offset);
}

static void drop(const struct wire_desc *desc, void *msg)
{
	for (size_t i = 0; i < desc->nr_fields; i++) {
		const struct wire_desc *elem = wire_elem(desc->fields[i].type);
		struct wire_list *l = (void *)((uint8_t *)msg + desc->fields[i].offset);

		for (uint32_t k = 0; elem && k < l->nr; k++)
			drop(elem, (uint8_t *)l->items + k * elem->size);
		if (elem)
			free(l->items);
	}
}

/*
 * Decodes an exact copy on the heap, so that a sanitizer sees each byte read
 * past the end.
 */
static int decode_copy(const struct wire_desc *desc, void *msg,
		       const void *raw, size_t n, uint8_t **copy)
{
	struct wire_arena arena = { scratch, sizeof(scratch), 0 };

	*copy = malloc(n ? n : 1);
	memcpy(*copy, raw, n);
	return wire_decode(desc, msg, *copy, n, &arena);
}

static bool refused(const struct wire_desc *desc, const void *raw, size_t n)
{
	uint64_t msg[64];
	uint8_t *copy;
	int ret = decode_copy(desc, msg, raw, n, &copy);

	free(copy);
	return ret == -EBADMSG;
}

static void round_trip(const struct wire_desc *desc)
{
	uint64_t msg[64] = { 0 }, again[64] = { 0 };
	uint8_t raw[8192], back[8192], *copy;
	bool same, truncations = true, trailing;
	size_t n;
	int ret;

	fill(desc, msg);
	n = wire_encode(desc, msg, raw, sizeof(raw));
	ret = decode_copy(desc, again, raw, n, &copy);
	same = !ret && wire_encode(desc, again, back, sizeof(back)) == n &&
	       !memcmp(raw, back, n);
	free(copy);
	ok(same, "%s: %zu bytes are encoded and decoded unchanged", desc->name, n);
	for (size_t k = 0; k < n; k++)
		truncations &= refused(desc, raw, k);
	ok(truncations, "%s: every truncation is refused", desc->name);
	raw[n] = 0;
	trailing = refused(desc, raw, n + 1);
	ok(trailing, "%s: a trailing byte is refused", desc->name);
	drop(desc, msg);
}

static void small_buffer(void)
{
	struct wire_blob blob = { { bytes, 40 } };
	uint8_t raw[64];

	memset(raw, 0xee, sizeof(raw));
	ok(wire_encode(&wire_desc_blob, &blob, raw, 10) == 44,
	   "wire_encode() returns the size it needs");
	ok(raw[10] == 0xee && raw[43] == 0xee, "wire_encode() writes nothing past the buffer");
}

static void huge_counts(void)
{
	static const uint8_t many[] = { 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4 };
	uint8_t req[64 + 4] = { 0 };

	ok(refused(&wire_desc_blob, many, sizeof(many)),
	   "a length of 4 GiB is refused");
	memset(req + 56, 0xff, 4);
	ok(refused(&wire_desc_syscall_req, req, sizeof(req)),
	   "a count of 4 G buffers is refused");
}

static void full_arena(void)
{
	struct wire_seg segs[8] = { 0 };
	struct wire_syscall_req req = { .segs = { segs, 8 } }, back;
	struct wire_arena arena = { scratch, 7 * sizeof(segs[0]), 0 };
	uint8_t raw[1024];
	size_t n = wire_encode(&wire_desc_syscall_req, &req, raw, sizeof(raw));

	ok(wire_decode(&wire_desc_syscall_req, &back, raw, n, &arena) == -ENOMEM,
	   "a list larger than the arena is refused: ENOMEM");
}

static void random_bytes(void)
{
	uint64_t msg[64];
	uint8_t raw[128], *copy;
	unsigned int odd = 0;

	for (int i = 0; i < RANDOM_ROUNDS; i++) {
		const struct wire_desc *desc = wire_msgs[rnd() % wire_nr_msgs];
		size_t n = rnd() % sizeof(raw);
		int ret;

		/*
		 * The numbers are small, so that some of them are valid
		 * lengths.
		 */
		for (size_t k = 0; k < n; k++)
			raw[k] = rnd() % 4 ? 0 : (uint8_t)(rnd() % 9);
		ret = decode_copy(desc, msg, raw, n, &copy);
		odd += ret && ret != -EBADMSG;
		free(copy);
	}
	ok(!odd, "%d random payloads are decoded or refused with EBADMSG", RANDOM_ROUNDS);
}

static void headers(void)
{
	struct wire_header hdr = { 0x123456, 7, 3, 17, WIRE_REPLY }, back;
	uint8_t raw[WIRE_HEADER];
	unsigned int taken = 0;

	wire_put_header(raw, &hdr);
	ok(!wire_get_header(raw, &back) && !memcmp(&hdr, &back, sizeof(hdr)),
	   "a header is encoded and decoded unchanged");
	hdr.len = WIRE_MAX + 1;
	wire_put_header(raw, &hdr);
	ok(wire_get_header(raw, &back) == -EBADMSG,
	   "a header with a length above WIRE_MAX is refused");
	for (int i = 0; i < RANDOM_ROUNDS; i++) {
		for (size_t k = 0; k < sizeof(raw); k++)
			raw[k] = (uint8_t)rnd();
		if (!wire_get_header(raw, &back))
			taken += back.len > WIRE_MAX || back.kind > WIRE_LAST_KIND;
	}
	ok(!taken, "no random header out of bounds is accepted");
}

static void table(void)
{
	bool unique = true, named = true;

	for (size_t i = 0; i < wire_nr_ops; i++) {
		for (size_t k = 0; k < i; k++)
			unique &= wire_ops[i].op != wire_ops[k].op;
		named &= wire_op_by_name(wire_ops[i].name) == &wire_ops[i];
		named &= wire_op_by_number(wire_ops[i].op) == &wire_ops[i];
	}
	ok(unique, "op numbers are unique");
	ok(named, "every op is found by name and by number");
	ok(!wire_op_by_number(999) && !wire_op_by_name("nope"), "an unknown op is not found");
	ok(wire_fingerprint() == wire_fingerprint() && wire_fingerprint(),
	   "the fingerprint is %016" PRIx64, wire_fingerprint());
}

int main(void)
{
	table();
	headers();
	for (size_t i = 0; i < wire_nr_msgs; i++)
		round_trip(wire_msgs[i]);
	small_buffer();
	huge_counts();
	full_arena();
	random_bytes();
	return done();
}
