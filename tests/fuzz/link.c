// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's side of the connection: frames cut out of a stream of bytes.
 *
 * The first NR_STEPS * 2 bytes say in which pieces the rest arrives, whether the
 * supervisor or an executor reads each piece, and what it does then.  Whatever
 * happens, the frames are those that the stream has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/shared/link.h"
#include "tests/fuzz/fuzz.h"

#define NR_STEPS 8u
#define FRAMES_MAX 60000u	/* bytes: a pipe takes them at once */

enum { BY_EXECUTOR = 1, KEEPS_FRAMES = 2, CLEANS = 4, RECOVERS = 8 };

static struct link tested = { .fd = -1 };
static int pipe_fds[2];

struct stream {
	const uint8_t *data;
	size_t size, sent, taken;
	bool ended;			/* a malformed frame: the agent drops the link */
};

static void set_up(void)
{
	if (tested.fd >= 0)
		return;
	if (link_init(&tested) || pipe(pipe_fds))
		abort();
	tested.fd = pipe_fds[0];
}

/* The frame is the next one of the stream. */
static void check_frame(struct stream *s, const struct wire_header *hdr, const uint8_t *payload)
{
	uint8_t raw[WIRE_HEADER];

	wire_put_header(raw, hdr);
	if (s->size - s->taken < WIRE_HEADER + (size_t)hdr->len ||
	    memcmp(raw, s->data + s->taken, WIRE_HEADER) ||
	    memcmp(payload, s->data + s->taken + WIRE_HEADER, hdr->len))
		abort();
	s->taken += WIRE_HEADER + hdr->len;
}

static void take_frames(struct stream *s)
{
	struct wire_header hdr;
	const uint8_t *payload;
	int ret;

	while ((ret = link_peek(&tested, &hdr, &payload)) > 0) {
		check_frame(s, &hdr, payload);
		link_drop(&tested, &hdr);
	}
	s->ended = ret < 0;
}

/* An executor whose window is full leaves the rest to the supervisor. */
static void read_piece(unsigned int how)
{
	ssize_t n = link_fill(&tested, how & BY_EXECUTOR);

	if (n == -ENOBUFS && how & BY_EXECUTOR)
		n = link_fill(&tested, false);
	if (n <= 0)
		abort();
}

static void send_piece(struct stream *s, size_t n, unsigned int how)
{
	if (n > s->size - s->sent)
		n = s->size - s->sent;
	if (!n)
		return;
	if (write(pipe_fds[1], s->data + s->sent, n) != (ssize_t)n)
		abort();
	s->sent += n;
	read_piece(how);
	if (!(how & KEEPS_FRAMES))
		take_frames(s);
	if (how & CLEANS)
		link_make_clean(&tested);
	if (how & RECOVERS)
		link_recover(&tested);
}

/* Forgets what the input has left behind, as another link does. */
static void reset(void)
{
	tested.fd = -1;
	link_detach(&tested);
	if (!link_make_clean(&tested))
		abort();
	tested.fd = pipe_fds[0];
}

void fuzz(const uint8_t *data, size_t size)
{
	struct stream s = { .data = data + 2 * NR_STEPS, .size = size - 2 * NR_STEPS };

	if (size < 2 * NR_STEPS || s.size > FRAMES_MAX)
		return;
	set_up();
	for (unsigned int i = 0; i < NR_STEPS && !s.ended; i++)
		send_piece(&s, data[2 * i] * 16u, data[2 * i + 1]);
	while (s.sent < s.size && !s.ended)
		send_piece(&s, s.size, 0);
	take_frames(&s);
	reset();
}
