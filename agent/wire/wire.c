// SPDX-License-Identifier: GPL-2.0-only
/*
 * The codec: descriptors made from the table in protocol.h, and functions that
 * walk them.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "agent/wire/wire.h"

#define FIELD(S, t, field, text) {					\
	.name = #field, .doc = text, .type = WIRE_T_##t,		\
	.offset = offsetof(S, field) },
#define MSG(name_, text)						\
	static const struct wire_field fields_##name_[] = {		\
		WIRE_MSG_##name_(FIELD, struct wire_##name_)		\
	};								\
	const struct wire_desc wire_desc_##name_ = {			\
		.name = #name_, .doc = text,				\
		.size = sizeof(struct wire_##name_),			\
		.nr_fields = sizeof(fields_##name_) /			\
			     sizeof(struct wire_field),			\
		.fields = fields_##name_,				\
	};
WIRE_MSGS(MSG)
#undef MSG
#undef FIELD

#define MSG(name, text) &wire_desc_##name,
const struct wire_desc *const wire_msgs[] = { WIRE_MSGS(MSG) };
#undef MSG
const size_t wire_nr_msgs = sizeof(wire_msgs) / sizeof(wire_msgs[0]);

enum { executor = false, supervisor = true };
#define OP(num, name_, by, q, p, text) {				\
	.op = num, .name = #name_, .doc = text, .supervisor = by,	\
	.req = &wire_desc_##q, .rep = &wire_desc_##p },
const struct wire_op_desc wire_ops[] = { WIRE_OPS(OP) };
#undef OP
const size_t wire_nr_ops = sizeof(wire_ops) / sizeof(wire_ops[0]);

const struct wire_desc *wire_elem(enum wire_type type)
{
	static const struct wire_desc *const elem[] = {
#define T(name, ctype, desc) desc,
		WIRE_TYPES(T)
#undef T
	};

	return elem[type];
}

const struct wire_op_desc *wire_op_by_number(unsigned int op)
{
	for (size_t i = 0; i < wire_nr_ops; i++)
		if (wire_ops[i].op == op)
			return &wire_ops[i];
	return NULL;
}

const struct wire_op_desc *wire_op_by_name(const char *name)
{
	for (size_t i = 0; i < wire_nr_ops; i++)
		if (!strcmp(wire_ops[i].name, name))
			return &wire_ops[i];
	return NULL;
}

/*
 * Computes FNV-1a over everything in the table that changes bytes on the link.
 */
static uint64_t mix(uint64_t h, const char *s)
{
	do {
		h ^= (uint8_t)*s;
		h *= 0x100000001b3u;
	} while (*s++);
	return h;
}

uint64_t wire_fingerprint(void)
{
	uint64_t h = mix(0xcbf29ce484222325u, "stuffed requests");

#define FIELD(S, type, name, doc) h = mix(mix(h, #type), #name);
#define MSG(name, doc) h = mix(h, #name); WIRE_MSG_##name(FIELD, S)
#define OP(num, name, by, req, rep, doc) \
	h = mix(mix(mix(mix(h, #num), #name), #req), #rep);
#define REASON(num, name, doc) h = mix(mix(h, #num), #name);
	WIRE_MSGS(MSG)
	WIRE_OPS(OP)
	WIRE_REASONS(REASON)
#undef REASON
#undef OP
#undef MSG
#undef FIELD
	return h;
}

size_t wire_int_size(enum wire_type type)
{
	switch (type) {
	case WIRE_T_u32:
	case WIRE_T_s32:
		return 4;
	case WIRE_T_u64:
	case WIRE_T_s64:
		return 8;
	default:
		return 0;
	}
}

void wire_put_int(uint8_t *p, enum wire_type type, uint64_t v)
{
	v = htole64(v);		/* the low bytes come first */
	memcpy(p, &v, wire_int_size(type));
}

static uint64_t get_int(const uint8_t *p, enum wire_type type)
{
	uint64_t v = 0;

	memcpy(&v, p, wire_int_size(type));
	v = le64toh(v);
	if (type == WIRE_T_s32)
		v = (uint64_t)(int64_t)(int32_t)(uint32_t)v;
	return v;
}

void wire_put_header(uint8_t raw[static WIRE_HEADER],
		     const struct wire_header *hdr)
{
	wire_put_int(raw, WIRE_T_u32, hdr->len);
	wire_put_int(raw + 4, WIRE_T_u32, hdr->tag);
	wire_put_int(raw + 8, WIRE_T_u32, hdr->channel);
	wire_put_int(raw + 12, WIRE_T_u32,
		     hdr->op | (uint32_t)hdr->kind << 16);
}

int wire_get_header(const uint8_t raw[static WIRE_HEADER],
		    struct wire_header *hdr)
{
	uint32_t last = (uint32_t)get_int(raw + 12, WIRE_T_u32);

	hdr->len = (uint32_t)get_int(raw, WIRE_T_u32);
	hdr->tag = (uint32_t)get_int(raw + 4, WIRE_T_u32);
	hdr->channel = (uint32_t)get_int(raw + 8, WIRE_T_u32);
	hdr->op = (uint16_t)last;
	hdr->kind = (uint16_t)(last >> 16);
	if (hdr->len > WIRE_MAX || hdr->kind < WIRE_REQUEST ||
	    hdr->kind > WIRE_LAST_KIND)
		return -EBADMSG;
	return 0;
}

const void *wire_take(struct wire_cursor *cur, size_t n)
{
	const uint8_t *p = cur->p;

	if (n > cur->left)
		return NULL;
	cur->p += n;
	cur->left -= n;
	return p;
}

int wire_take_int(struct wire_cursor *cur, enum wire_type type, uint64_t *v)
{
	const uint8_t *p = wire_take(cur, wire_int_size(type));

	if (!p)
		return -EBADMSG;
	*v = get_int(p, type);
	return 0;
}

int wire_take_bytes(struct wire_cursor *cur, struct wire_bytes *b)
{
	uint64_t len;

	if (wire_take_int(cur, WIRE_T_u32, &len))
		return -EBADMSG;
	b->p = wire_take(cur, len);
	b->len = (uint32_t)len;
	return b->p ? 0 : -EBADMSG;
}

/*
 * Returns the size of the smallest payload of a message: every list and string
 * is empty.
 */
static size_t least(const struct wire_desc *desc)
{
	size_t n = 0;

	for (size_t i = 0; i < desc->nr_fields; i++) {
		size_t size = wire_int_size(desc->fields[i].type);

		n += size ? size : 4;
	}
	return n;
}

int wire_take_count(struct wire_cursor *cur, const struct wire_desc *elem,
		    uint32_t *nr)
{
	uint64_t v;

	if (wire_take_int(cur, WIRE_T_u32, &v) || v > cur->left / least(elem))
		return -EBADMSG;
	*nr = (uint32_t)v;
	return 0;
}

/* Writes n bytes at *pos if they fit; advances *pos in any case. */
static void put(uint8_t *buf, size_t cap, size_t *pos, const void *p, size_t n)
{
	if (n && *pos <= cap && n <= cap - *pos)
		memcpy(buf + *pos, p, n);
	*pos += n;
}

static void put_u32(uint8_t *buf, size_t cap, size_t *pos, uint32_t v)
{
	uint8_t raw[4];

	wire_put_int(raw, WIRE_T_u32, v);
	put(buf, cap, pos, raw, sizeof(raw));
}

static void encode_at(const struct wire_desc *desc, const void *msg,
		      uint8_t *buf, size_t cap, size_t *pos)
{
	for (size_t i = 0; i < desc->nr_fields; i++) {
		const struct wire_field *f = &desc->fields[i];
		const void *at = (const uint8_t *)msg + f->offset;
		const struct wire_desc *elem = wire_elem(f->type);

		if (wire_int_size(f->type)) {
			uint8_t raw[8];
			uint64_t v = 0;

			memcpy(&v, at, wire_int_size(f->type));
			wire_put_int(raw, f->type, v);
			put(buf, cap, pos, raw, wire_int_size(f->type));
		} else if (elem) {
			const struct wire_list *l = at;

			put_u32(buf, cap, pos, l->nr);
			for (uint32_t k = 0; k < l->nr; k++)
				encode_at(elem, (const uint8_t *)l->items +
					  k * elem->size, buf, cap, pos);
		} else {
			const struct wire_bytes *b = at;

			put_u32(buf, cap, pos, b->len);
			put(buf, cap, pos, b->p, b->len);
		}
	}
}

size_t wire_encode(const struct wire_desc *desc, const void *msg,
		   void *buf, size_t cap)
{
	size_t pos = 0;

	encode_at(desc, msg, buf, cap, &pos);
	return pos;
}

void *wire_arena_take(struct wire_arena *arena, size_t n)
{
	size_t at = (arena->used + 15) & ~(size_t)15;

	if (at > arena->size || n > arena->size - at)
		return NULL;
	arena->used = at + n;
	return arena->base + at;
}

static int decode_at(const struct wire_desc *desc, void *msg,
		     struct wire_cursor *cur, struct wire_arena *arena);

static int decode_list(const struct wire_desc *elem, struct wire_list *l,
		       struct wire_cursor *cur, struct wire_arena *arena)
{
	int ret = wire_take_count(cur, elem, &l->nr);

	l->items = NULL;
	if (ret || !l->nr)
		return ret;
	l->items = wire_arena_take(arena, l->nr * elem->size);
	if (!l->items)
		return -ENOMEM;
	for (uint32_t k = 0; !ret && k < l->nr; k++)
		ret = decode_at(elem, (uint8_t *)l->items + k * elem->size,
				cur, arena);
	return ret;
}

static int decode_at(const struct wire_desc *desc, void *msg,
		     struct wire_cursor *cur, struct wire_arena *arena)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < desc->nr_fields; i++) {
		const struct wire_field *f = &desc->fields[i];
		void *at = (uint8_t *)msg + f->offset;
		const struct wire_desc *elem = wire_elem(f->type);

		if (wire_int_size(f->type)) {
			uint64_t v;

			ret = wire_take_int(cur, f->type, &v);
			if (!ret)
				memcpy(at, &v, wire_int_size(f->type));
		} else if (elem) {
			ret = decode_list(elem, at, cur, arena);
		} else {
			ret = wire_take_bytes(cur, at);
		}
	}
	return ret;
}

int wire_decode(const struct wire_desc *desc, void *msg, const void *buf,
		size_t len, struct wire_arena *arena)
{
	struct wire_cursor cur = { .p = buf, .left = len };
	int ret = decode_at(desc, msg, &cur, arena);

	if (!ret && cur.left)
		ret = -EBADMSG;
	return ret;
}

const struct wire_desc *wire_payload(const struct wire_header *hdr)
{
	const struct wire_op_desc *op = wire_op_by_number(hdr->op);

	switch (hdr->kind) {
	case WIRE_READY:
		return &wire_desc_ready;
	case WIRE_DATA:
		return &wire_desc_data;
	case WIRE_FAIL:
		return &wire_desc_fail;
	case WIRE_REPLY:
		return op ? op->rep : NULL;
	default:
		return op ? op->req : NULL;
	}
}
