// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the agent's side of the connection, which cuts frames out of a stream
 * of bytes.
 *
 * The first 2 * NR_STEPS bytes say in which pieces the rest arrives, whether
 * the supervisor or an executor reads each piece, and whether the executor is
 * killed before it has counted what it read.  Whatever happens, the agent must
 * get the frames that were sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/shared/link.h"
#include "agent/wire/stuffing.h"
#include "tests/fuzz/fuzz.h"

#define NR_STEPS 8u
#define FRAMES_MAX 60000u	/* bytes of all frames: a pipe takes that many at once */

enum { BY_EXECUTOR = 1, KILLED = 2, KEEPS_FRAMES = 4 };

static struct link tested = { .fd = -1 };
static int pipe_fds[2];

struct stream {
	const uint8_t *frames;		/* the frames that the agent has not
					 * taken yet, as the runner made them */
	size_t frames_left;		/* size of these frames in bytes */
	uint8_t sent[STUFFED_SIZE(FRAMES_MAX) + FRAMES_MAX / WIRE_HEADER];
	size_t size, at;
	bool ended;			/* a malformed frame: the agent drops the link */
};

static void set_up(void)
{
	if (tested.fd >= 0)
		return;
	if (link_init(&tested) || pipe2(pipe_fds, O_NONBLOCK))
		abort();
	tested.fd = pipe_fds[0];
}

/*
 * Makes the stream that is sent: the whole frames at the start of the input get
 * byte stuffing.  The bytes after the frames stay as they are, but zeros become
 * ones.
 */
static void make_stream(struct stream *s, const uint8_t *data, size_t size)
{
	struct wire_header hdr;

	s->frames = data;
	s->size = s->at = s->frames_left = 0;
	s->ended = false;
	while (size >= WIRE_HEADER && !wire_get_header(data, &hdr) &&
	       size - WIRE_HEADER >= hdr.len) {
		size_t n = WIRE_HEADER + hdr.len;

		stuffing_add(s->sent + s->size, data, n);
		s->size += STUFFED_SIZE(n);
		s->frames_left += n;
		data += n;
		size -= n;
	}
	while (size--)
		s->sent[s->size++] = *data ? *data : 1, data++;
}

static void check_frame(struct stream *s, const struct wire_header *hdr)
{
	static uint8_t frame[FRAMES_MAX];
	size_t n = WIRE_HEADER + hdr->len;

	wire_put_header(frame, hdr);
	link_payload(&tested, frame + WIRE_HEADER, hdr->len);
	if (!s->frames_left)
		return;
	if (n > s->frames_left || memcmp(frame, s->frames, n))
		abort();
	s->frames += n;
	s->frames_left -= n;
}

static void take_frames(struct stream *s)
{
	struct wire_header hdr;
	int ret;

	while ((ret = link_peek(&tested, &hdr)) > 0) {
		check_frame(s, &hdr);
		link_drop(&tested, &hdr);
	}
	s->ended = ret < 0;
}

/*
 * Reads from the pipe, and returns the number of bytes read.  An executor gets
 * the role of the reader only if the link holds no bytes.  If the executor is
 * killed after read(2) and before it counts the bytes, the span of held bytes
 * is what it was before.
 */
static ssize_t read_piece(unsigned int how)
{
	bool by_executor = how & BY_EXECUTOR && link_make_clean(&tested);
	uint64_t span = atomic_load(&tested.state->span);
	ssize_t n = link_fill(&tested, by_executor);

	if (n <= 0 && n != -EAGAIN)
		abort();
	if (by_executor && how & KILLED) {
		atomic_store(&tested.state->span, span);
		link_recover(&tested);
	}
	return n > 0 ? n : 0;
}

static void send_piece(struct stream *s, size_t n, unsigned int how)
{
	if (n > s->size - s->at)
		n = s->size - s->at;
	if (n && write(pipe_fds[1], s->sent + s->at, n) != (ssize_t)n)
		abort();
	s->at += n;
	read_piece(how);
	if (!(how & KEEPS_FRAMES))
		take_frames(s);
}

/*
 * Lets the supervisor read the rest of the stream.  No frame may be missing
 * then.
 */
static void finish(struct stream *s)
{
	send_piece(s, s->size, 0);
	while (!s->ended && read_piece(0))
		take_frames(s);
	if (s->frames_left)
		abort();
}

/*
 * Forgets what the input has left in the link, as a change to another link
 * does.
 */
static void reset(void)
{
	static uint8_t rest[FRAMES_MAX];

	while (read(pipe_fds[0], rest, sizeof(rest)) > 0)
		;
	tested.fd = -1;
	link_detach(&tested);
	if (!link_make_clean(&tested))
		abort();
	tested.fd = pipe_fds[0];
}

void fuzz(const uint8_t *data, size_t size)
{
	static struct stream s;

	if (size < 2 * NR_STEPS || size > FRAMES_MAX)
		return;
	set_up();
	make_stream(&s, data + 2 * NR_STEPS, size - 2 * NR_STEPS);
	for (unsigned int i = 0; i < NR_STEPS && !s.ended; i++)
		send_piece(&s, data[2 * i] * 16u, data[2 * i + 1]);
	finish(&s);
	reset();
}
