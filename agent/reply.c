// SPDX-License-Identifier: GPL-2.0-only
/* Encodes and sends the frames of the supervisor. */
#include <string.h>
#include <sys/utsname.h>

#include "agent/reply.h"

void reply_fail(struct link *link, const struct wire_header *req,
		enum wire_reason reason, const char *text)
{
	struct wire_header hdr = *req;
	struct wire_fail fail = {
		.reason = reason, .text = { text, (uint32_t)strlen(text) },
	};

	hdr.kind = WIRE_FAIL;
	link_send(link, &hdr, &wire_desc_fail, &fail);
}

void reply_send(struct link *link, const struct wire_header *req, const void *rep)
{
	struct wire_header hdr = *req;

	hdr.kind = WIRE_REPLY;
	link_send(link, &hdr, wire_op_by_number(req->op)->rep, rep);
}

void reply_data(struct link *link, const struct wire_header *req, const void *p, size_t n)
{
	struct wire_header hdr = *req;
	struct wire_data data = { 1, { p, (uint32_t)n } };

	hdr.kind = WIRE_DATA;
	link_send(link, &hdr, &wire_desc_data, &data);
}

void reply_ready(struct link *link)
{
	struct wire_header hdr = { .kind = WIRE_READY };
	struct wire_ready ready = {
		.fingerprint = wire_fingerprint(),
		.version = { WIRE_VERSION, sizeof(WIRE_VERSION) - 1 },
	};
	struct utsname uts;

	uname(&uts);
	ready.release = (struct wire_bytes){
		uts.release, (uint32_t)strlen(uts.release),
	};
	link_send(link, &hdr, &wire_desc_ready, &ready);
}
