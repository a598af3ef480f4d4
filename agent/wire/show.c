// SPDX-License-Identifier: GPL-2.0-only
/* Prints each frame as one line, and prints the protocol manual. */
#include <ctype.h>
#include <inttypes.h>

#include "agent/wire/wire.h"

static const char *const kinds[] = {
	[WIRE_REQUEST] = "request", [WIRE_REPLY] = "reply",
	[WIRE_FAIL] = "fail", [WIRE_DATA] = "data", [WIRE_READY] = "ready",
	[WIRE_ASYNC] = "async", [WIRE_WANT_MODULES] = "want_modules",
};

static void show_bytes(FILE *to, const struct wire_bytes *b)
{
	const uint8_t *p = b->p;

	fputc('"', to);
	for (uint32_t i = 0; i < b->len && i < 48; i++)
		if (isprint(p[i]) && p[i] != '"' && p[i] != '\\')
			fputc(p[i], to);
		else
			fprintf(to, "\\x%02x", p[i]);
	fprintf(to, b->len > 48 ? "\"… (%" PRIu32 " bytes)" : "\"", b->len);
}

static int show_msg(FILE *to, const struct wire_desc *desc,
		    struct wire_cursor *cur);

static int show_field(FILE *to, const struct wire_field *f,
		      struct wire_cursor *cur)
{
	const struct wire_desc *elem = wire_elem(f->type);
	struct wire_bytes b;
	uint32_t nr;
	uint64_t v;
	int ret;

	if (wire_int_size(f->type)) {
		ret = wire_take_int(cur, f->type, &v);
		if (!ret)
			fprintf(to, "%" PRId64, (int64_t)v);
	} else if (elem) {
		ret = wire_take_count(cur, elem, &nr);
		fputc('[', to);
		while (!ret && nr--)
			ret = show_msg(to, elem, cur);
		fputc(']', to);
	} else {
		ret = wire_take_bytes(cur, &b);
		if (!ret)
			show_bytes(to, &b);
	}
	return ret;
}

static int show_msg(FILE *to, const struct wire_desc *desc,
		    struct wire_cursor *cur)
{
	int ret = 0;

	fputc('{', to);
	for (size_t i = 0; !ret && i < desc->nr_fields; i++) {
		fprintf(to, "%s%s=", i ? " " : "", desc->fields[i].name);
		ret = show_field(to, &desc->fields[i], cur);
	}
	fputs(ret ? " MALFORMED}" : "}", to);
	return ret;
}

void wire_print(FILE *to, const char *prefix, const struct wire_header *hdr,
		const void *payload)
{
	const struct wire_op_desc *op = wire_op_by_number(hdr->op);
	const struct wire_desc *desc = wire_payload(hdr);
	struct wire_cursor cur = { .p = payload, .left = hdr->len };

	fprintf(to, "%s %s %s channel=%" PRIu32 " tag=%" PRIu32 " len=%" PRIu32 " ",
		prefix, op ? op->name : "-",
		hdr->kind <= WIRE_LAST_KIND && kinds[hdr->kind] ?
		kinds[hdr->kind] : "?", hdr->channel, hdr->tag, hdr->len);
	if (desc)
		show_msg(to, desc, &cur);
	fputc('\n', to);
}

static const char *type_name(enum wire_type type)
{
	static const char *const names[] = {
#define T(name, ctype, elem) #name,
		WIRE_TYPES(T)
#undef T
	};

	return names[type];
}

void wire_manual(FILE *to)
{
	fprintf(to, "# The protocol between runner and agent\n\n"
		"Printed by `provium protocol` from `agent/wire/protocol.h`; "
		"fingerprint `%016" PRIx64 "`.\n\n"
		"A frame is 16 bytes of header (`u32 len; u32 tag; u32 channel; "
		"u16 op; u16 kind`, little-endian)\nand `len` bytes of "
		"payload, at most %u MiB. The runner sends frames with byte stuffing (`agent/wire/stuffing.h`). Kinds: 1 request, 2 reply, 3 fail, "
		"4 data, 5 ready, 6 asynchronous request.\n\n## Ops\n\n"
		"| nr | op | answered by | request | reply | |\n"
		"| --- | --- | --- | --- | --- | --- |\n",
		wire_fingerprint(), WIRE_MAX >> 20);
	for (size_t i = 0; i < wire_nr_ops; i++)
		fprintf(to, "| %d | %s | %s | %s | %s | %s |\n",
			wire_ops[i].op, wire_ops[i].name,
			wire_ops[i].supervisor ? "supervisor" : "executor",
			wire_ops[i].req->name, wire_ops[i].rep->name,
			wire_ops[i].doc);
	fputs("\n## Messages\n", to);
	for (size_t i = 0; i < wire_nr_msgs; i++) {
		const struct wire_desc *d = wire_msgs[i];

		fprintf(to, "\n`%s`: %s\n%s", d->name, d->doc,
			d->nr_fields ? "\n" : "");
		for (size_t k = 0; k < d->nr_fields; k++)
			fprintf(to, "- %s `%s`%s%s\n",
				type_name(d->fields[k].type),
				d->fields[k].name,
				*d->fields[k].doc ? ": " : "",
				d->fields[k].doc);
	}
#define REASON(num, name, doc) fputs("- " #num " `" #name "`: " doc "\n", to);
	fputs("\n## Reasons of a fail message\n\n", to);
	WIRE_REASONS(REASON)
#undef REASON
}
