// SPDX-License-Identifier: GPL-2.0-only
/* Frames in and out of the link, and the lock that keeps its writers apart. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/shared/futex.h"
#include "agent/shared/link.h"
#include "agent/shared/memory.h"

#define IN_SIZE FRAME_MAX

/* What the window holds where no bytes have been read. */
static uint8_t pattern[LINK_WINDOW_BYTES];

static uint32_t span_start(uint64_t span)
{
	return (uint32_t)(span >> 32);
}

static uint32_t span_end(uint64_t span)
{
	return (uint32_t)span;
}

static void set_span(struct link *link, size_t start, size_t end)
{
	atomic_store(&link->state->span, (uint64_t)start << 32 | end);
}

int link_init(struct link *link)
{
	memset(link, 0, sizeof(*link));
	link->fd = -1;
	link->state = shared_map(sizeof(*link->state));
	link->in = shared_map(IN_SIZE);
	for (uint32_t i = 0; i < LINK_WINDOW_BYTES; i++)
		pattern[i] = (uint8_t)(0x5b + 37 * i + i / 256);
	return link->state && link->in ? 0 : -ENOMEM;
}

void link_attach(struct link *link, int fd)
{
	link_detach(link);
	link->fd = fd;
	atomic_store(&link->state->fd, fd);
	atomic_fetch_add(&link->state->generation, 1);
}

void link_detach(struct link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->greeted = false;
	set_span(link, 0, 0);
}

/* Moves the bytes held to the front.  Only the supervisor does: it is not killed. */
static void compact(struct link *link)
{
	uint64_t span = atomic_load(&link->state->span);
	uint32_t start = span_start(span), n = span_end(span) - start;

	if (start) {
		memmove(link->in, link->in + start, n);
		set_span(link, 0, n);
	}
}

ssize_t link_fill(struct link *link, bool executor)
{
	size_t cap = executor ? LINK_WINDOW_BYTES : IN_SIZE;
	uint64_t span;
	ssize_t n;

	if (!executor)
		compact(link);
	span = atomic_load(&link->state->span);
	if (span_end(span) == cap)
		return -ENOBUFS;
	n = read(link->fd, link->in + span_end(span), cap - span_end(span));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? -EAGAIN : -errno;
	set_span(link, span_start(span), span_end(span) + (size_t)n);
	return n;
}

int link_peek(struct link *link, struct wire_header *hdr, const uint8_t **payload)
{
	uint64_t span = atomic_load(&link->state->span);
	const uint8_t *at = link->in + span_start(span);
	size_t n = span_end(span) - span_start(span);

	if (n < WIRE_HEADER)
		return 0;
	if (wire_get_header(at, hdr))
		return -EBADMSG;
	*payload = at + WIRE_HEADER;
	return n >= WIRE_HEADER + hdr->len;
}

/* Forgets all bytes held, and puts the pattern back over the first `used`. */
static void wipe(struct link *link, size_t used)
{
	atomic_store(&link->state->dirty, 1);
	set_span(link, 0, 0);
	memcpy(link->in, pattern, used < LINK_WINDOW_BYTES ? used : LINK_WINDOW_BYTES);
	atomic_store(&link->state->dirty, 0);
}

void link_drop(struct link *link, const struct wire_header *hdr)
{
	uint64_t span = atomic_load(&link->state->span);
	size_t start = span_start(span) + WIRE_HEADER + hdr->len;

	if (start < span_end(span)) {
		set_span(link, start, span_end(span));
		return;
	}
	wipe(link, start);
	if (hdr->len > LINK_ATOMIC_BYTES)
		madvise(link->in + LINK_WINDOW_BYTES, IN_SIZE - LINK_WINDOW_BYTES, MADV_REMOVE);
}

bool link_make_clean(struct link *link)
{
	uint64_t span = atomic_load(&link->state->span);

	if (span_start(span) != span_end(span))
		return false;
	wipe(link, LINK_WINDOW_BYTES);
	return true;
}

void link_recover(struct link *link)
{
	uint64_t span = atomic_load(&link->state->span);
	uint32_t end = LINK_WINDOW_BYTES;

	if (atomic_load(&link->state->dirty)) {
		wipe(link, LINK_WINDOW_BYTES);
		return;
	}
	/* Bytes that were read but not counted: the pattern is gone there. */
	while (end > span_end(span) && link->in[end - 1] == pattern[end - 1])
		end--;
	set_span(link, span_start(span), end);
}

void link_lock(struct link_state *state, uint32_t channel)
{
	uint32_t seen = 0;

	while (!atomic_compare_exchange_strong(&state->owner, &seen, channel + 1)) {
		atomic_fetch_add(&state->waiters, 1);
		futex_wait(&state->owner, seen);
		atomic_fetch_sub(&state->waiters, 1);
		seen = 0;
	}
}

void link_unlock(struct link_state *state)
{
	atomic_store(&state->owner, 0);
	if (atomic_load(&state->waiters))
		futex_wake(&state->owner);
}

int link_write(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
		} else if (done < 0 && errno != EINTR) {
			return -errno;
		} else if (done > 0) {
			at += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

void link_send(struct link *link, const struct wire_header *hdr,
	       const struct wire_desc *desc, const void *msg)
{
	static uint8_t frame[LINK_ATOMIC_BYTES];
	struct wire_header out = *hdr;
	size_t n = wire_encode(desc, msg, frame + WIRE_HEADER,
			       sizeof(frame) - WIRE_HEADER);

	if (link->fd < 0 || n > sizeof(frame) - WIRE_HEADER)
		return;		/* the runner times out waiting for this tag */
	out.len = (uint32_t)n;
	wire_put_header(frame, &out);
	link_lock(link->state, WIRE_SUPERVISOR);
	link_write(link->fd, frame, WIRE_HEADER + n);
	link_unlock(link->state);
}
