// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends and receives frames on the link; has the lock that allows only one
 * writer.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/shared/futex.h"
#include "agent/shared/link.h"
#include "agent/shared/memory.h"
#include "agent/wire/stuffing.h"

#define IN_SIZE STUFFED_SIZE(FRAME_MAX)
#define LOCK_RETRY_MS 20

static uint32_t span_start(uint64_t span)
{
	return (uint32_t)(span >> 32);
}

static uint32_t span_end(uint64_t span)
{
	return (uint32_t)span;
}

/* The number of bytes that the frame took on the link. */
static size_t frame_size(const struct wire_header *hdr)
{
	return STUFFED_SIZE(WIRE_HEADER + (size_t)hdr->len);
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
	return link->state && link->in ? 0 : -ENOMEM;
}

void link_attach(struct link *link, int fd)
{
	struct stat st;

	link_detach(link);
	link->fd = fd;
	atomic_store(&link->state->fd, fd);
	atomic_store(&link->state->is_socket, !fstat(fd, &st) && S_ISSOCK(st.st_mode));
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

/*
 * Moves the bytes held in the receive buffer to its front.  Only the supervisor
 * calls this, because it cannot be killed in the middle.
 */
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
	if (span_end(span) >= cap)
		return -ENOBUFS;
	n = read(link->fd, link->in + span_end(span), cap - span_end(span));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? -EAGAIN : -errno;
	set_span(link, span_start(span), span_end(span) + (size_t)n);
	return n;
}

int link_peek(struct link *link, struct wire_header *hdr)
{
	uint64_t span = atomic_load(&link->state->span);
	size_t n = span_end(span) - span_start(span);
	uint8_t raw[WIRE_HEADER];

	if (n < STUFFED_SIZE(WIRE_HEADER))
		return 0;
	stuffing_remove(raw, link->in + span_start(span), 0, WIRE_HEADER);
	if (wire_get_header(raw, hdr))
		return -EBADMSG;
	return n >= frame_size(hdr);
}

void link_payload(struct link *link, uint8_t *dest, size_t n)
{
	uint64_t span = atomic_load(&link->state->span);

	stuffing_remove(dest, link->in + span_start(span), WIRE_HEADER, n);
}

/*
 * Forgets all bytes held in the receive buffer, and zeroes its first `used`
 * bytes.
 */
static void wipe(struct link *link, size_t used)
{
	atomic_store(&link->state->dirty, 1);
	set_span(link, 0, 0);
	memset(link->in, 0, used < LINK_WINDOW_BYTES ? used : LINK_WINDOW_BYTES);
	atomic_store(&link->state->dirty, 0);
}

void link_drop(struct link *link, const struct wire_header *hdr)
{
	uint64_t span = atomic_load(&link->state->span);
	size_t start = span_start(span) + frame_size(hdr);

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
	/* Bytes that were read but not counted are not zero. */
	while (end > span_end(span) && !link->in[end - 1])
		end--;
	set_span(link, span_start(span), end);
}

/* --- the lock for writing to the link --- */

bool link_try_lock(struct link_state *state, uint32_t channel)
{
	uint32_t seen = 0;

	while (!atomic_compare_exchange_strong(&state->owner, &seen, channel + 1))
		if (seen && (seen & LINK_CONTENDED ||
			     atomic_compare_exchange_strong(&state->owner, &seen,
							    seen | LINK_CONTENDED)))
			return false;
	return true;
}

/*
 * A caller that had to wait takes the lock as contended, because others may be
 * waiting, too.  Each wait has a limit: the wake-up is lost if the owner is
 * stopped before it.
 */
void link_lock(struct link_state *state, uint32_t channel)
{
	uint32_t mine = channel + 1, seen;

	while (atomic_load(&state->supervisor_waits))
		futex_wait_ms(&state->supervisor_waits, 1, LOCK_RETRY_MS);
	while (!link_try_lock(state, mine - 1)) {
		seen = atomic_load(&state->owner);
		if (seen & LINK_CONTENDED)
			futex_wait_ms(&state->owner, seen, LOCK_RETRY_MS);
		seen = 0;
		if (atomic_compare_exchange_strong(&state->owner, &seen, mine | LINK_CONTENDED))
			return;
	}
}

bool link_unlock(struct link_state *state)
{
	if (!(atomic_exchange(&state->owner, 0) & LINK_CONTENDED))
		return false;
	futex_wake_all(&state->owner);
	return true;
}

void link_pass_lock(struct link_state *state, uint32_t from, uint32_t to)
{
	uint32_t seen = from + 1;

	if (!atomic_compare_exchange_strong(&state->owner, &seen, to + 1))
		atomic_store(&state->owner, (to + 1) | LINK_CONTENDED);
}

int64_t link_lock_owner(struct link_state *state)
{
	return (int64_t)(atomic_load(&state->owner) & ~LINK_CONTENDED) - 1;
}
