// SPDX-License-Identifier: GPL-2.0-only
/* Encodes the frames of the supervisor. */
#include <string.h>
#include <sys/utsname.h>

#include "agent/reply.h"
#include "agent/send.h"

void reply_fail(struct supervisor *s, const struct wire_header *req,
		enum wire_reason reason, const char *text)
{
	struct wire_header hdr = *req;
	struct wire_fail fail = {
		.reason = reason, .text = { text, (uint32_t)strlen(text) },
	};

	hdr.kind = WIRE_FAIL;
	send_frame(s, &hdr, &wire_desc_fail, &fail);
}

void reply_send(struct supervisor *s, const struct wire_header *req, const void *rep)
{
	struct wire_header hdr = *req;

	hdr.kind = WIRE_REPLY;
	send_frame(s, &hdr, wire_op_by_number(req->op)->rep, rep);
}

void reply_data(struct supervisor *s, const struct wire_header *req, const void *p, size_t n)
{
	struct wire_header hdr = *req;
	struct wire_data data = { 1, { p, (uint32_t)n } };

	hdr.kind = WIRE_DATA;
	send_frame(s, &hdr, &wire_desc_data, &data);
}

void reply_want_modules(struct supervisor *s)
{
	struct wire_header hdr = { .kind = WIRE_WANT_MODULES };
	struct wire_nothing none;

	send_frame(s, &hdr, &wire_desc_nothing, &none);
}

void reply_ready(struct supervisor *s)
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
	send_frame(s, &hdr, &wire_desc_ready, &ready);
}
