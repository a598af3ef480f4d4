// SPDX-License-Identifier: GPL-2.0-only
/* Sends the supervisor's frames and those that executors have deferred. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/send.h"
#include "agent/shared/futex.h"

/* How often the supervisor tries to get the link's lock, in ms. */
#define LOCK_POLL_MS 10
/*
 * An owner of the lock is killed if it could write for this long and did not.
 */
#define STUCK_MS 1000
#define QUEUE_KEPT_BYTES (1u << 20)	/* a larger queue is freed when it is empty */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- the queue of the supervisor's frames --- */

/*
 * Makes room for n bytes at offset `at` of the queue.  NULL without memory:
 * then the frame is lost.
 */
static uint8_t *queue_open(struct send_queue *q, size_t at, size_t n)
{
	size_t cap = q->cap ? q->cap : 4096;
	uint8_t *bigger;

	while (cap < q->len + n)
		cap *= 2;
	if (cap != q->cap) {
		bigger = realloc(q->p, cap);
		if (!bigger) {
			dprintf(2, "provium agent: no memory for an answer of %zu bytes, which is lost\n",
				n);
			return NULL;
		}
		q->p = bigger;
		q->cap = cap;
	}
	memmove(q->p + at + n, q->p + at, q->len - at);
	q->len += n;
	return q->p + at;
}

static void queue_insert(struct send_queue *q, size_t at, const void *p, size_t n)
{
	uint8_t *to = queue_open(q, at, n);

	if (to)
		memcpy(to, p, n);
}

static void queue_clear(struct send_queue *q)
{
	q->len = q->sent = 0;
	if (q->cap <= QUEUE_KEPT_BYTES)
		return;
	free(q->p);
	*q = (struct send_queue){ 0 };
}

void send_frame(struct supervisor *s, const struct wire_header *hdr,
		const struct wire_desc *desc, const void *msg)
{
	size_t n = wire_encode(desc, msg, NULL, 0);
	struct wire_header out = *hdr;
	uint8_t *frame;

	if (s->link.fd < 0)
		return;
	frame = queue_open(&s->queue, s->queue.len, WIRE_HEADER + n);
	if (!frame)
		return;
	out.len = (uint32_t)n;
	wire_put_header(frame, &out);
	wire_encode(desc, msg, frame + WIRE_HEADER, n);
}

/* --- frames that executors have deferred --- */

/*
 * Returns the size of the frame in the mailbox's out; 0 if there is no valid
 * frame.
 */
static size_t out_size(const struct mailbox *box)
{
	struct wire_header hdr;

	return wire_get_header(box->out, &hdr) ? 0 : WIRE_HEADER + (size_t)hdr.len;
}

static void release(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);

	shared_let_go(s->shared, channel);
	frame_forget(box->out);
	atomic_store(&box->deferred, 0);
	futex_wake(&box->deferred);
}

/*
 * Returns a channel with a deferred frame to send, or 0.  A channel whose frame
 * was begun comes first: it holds the link's lock, or the supervisor holds the
 * lock for that channel.
 */
static uint32_t next_deferred(struct supervisor *s)
{
	uint32_t found = 0;

	if (s->sending)
		return s->sending;
	for_each_channel(s, channel) {
		if (!atomic_load(&roster_box(s, channel)->deferred))
			continue;
		if (link_lock_owner(s->link.state) == channel)
			return channel;
		found = found ? found : channel;
	}
	return found;
}

bool send_take_from_dead(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);
	bool owner = link_lock_owner(s->link.state) == channel;
	bool deferred = atomic_load(&box->deferred);
	size_t size = out_size(box);
	size_t sent = deferred ? atomic_load(&box->deferred_from) : mailbox_sent(box);
	bool begun = s->sending == channel || (owner && sent && sent < size);

	/*
	 * The rest of a frame that was begun is sent first, because no other
	 * frame must come between its parts.
	 */
	if ((begun || deferred) && sent < size)
		queue_insert(&s->queue, begun ? 0 : s->queue.len, box->out + sent, size - sent);
	if (begun && owner) {
		link_pass_lock(s->link.state, channel, WIRE_SUPERVISOR);
		s->has_lock = true;
	} else if (owner) {
		link_unlock(s->link.state);
	}
	if (s->sending == channel)
		s->sending = 0;
	if (deferred)
		release(s, channel);
	else if (size && sent == size)
		shared_let_go(s->shared, channel);
	/*
	 * Wakes the processes that wait for the lock: the dead executor may
	 * have released the lock and died before it woke them.
	 */
	futex_wake_all(&s->link.state->owner);
	return atomic_load(&box->busy) == BOX_REPLYING && size &&
	       (deferred || begun || sent == size);
}

/* --- sending queued and deferred frames --- */

/*
 * Writes some of n bytes.  Returns how many; 0 if the link takes none now.
 * After an error all bytes count as written: the loop notices that the link has
 * ended.
 */
static size_t write_some(struct supervisor *s, const uint8_t *p, size_t n)
{
	struct pollfd pfd = { s->link.fd, POLLOUT, 0 };
	ssize_t done;

	if (atomic_load(&s->link.state->is_socket))
		done = send(s->link.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (poll(&pfd, 1, 0) <= 0)
		return 0;
	else
		done = write(s->link.fd, p, n < LINK_ATOMIC_BYTES ? n : LINK_ATOMIC_BYTES);
	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : n;
	return (size_t)done;
}

/*
 * Sends some of the queue, which consists of whole frames.  Returns false if
 * the link is full.
 */
static bool send_queue(struct supervisor *s)
{
	struct send_queue *q = &s->queue;
	size_t done = write_some(s, q->p + q->sent, q->len - q->sent);

	q->sent += done;
	if (q->sent == q->len)
		queue_clear(q);
	return done;
}

static bool send_deferred(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);
	size_t size = out_size(box), from = atomic_load(&box->deferred_from), done = 0;

	if (from < size) {
		done = write_some(s, box->out + from, size - from);
		if (!done)
			return false;
		atomic_store(&box->deferred_from, (uint32_t)(from + done));
	}
	s->sending = from + done < size ? channel : 0;
	if (!s->sending)
		release(s, channel);
	return true;
}

/*
 * Kills an executor that has the link's lock and does not write although the
 * link would take bytes: the executor is frozen or traced.  Without this, the
 * link would be blocked.
 */
static void end_stuck_owner(struct supervisor *s)
{
	struct pollfd pfd = { s->link.fd, POLLOUT, 0 };
	int64_t owner = link_lock_owner(s->link.state), now = now_ms();

	if (!s->lock_wanted || owner < 1 || owner > CHANNELS || owner != s->stuck_owner ||
	    poll(&pfd, 1, 0) <= 0) {
		s->stuck_owner = owner;
		s->stuck_since_ms = now;
	} else if (now - s->stuck_since_ms > STUCK_MS &&
		   atomic_load(&roster_box(s, (uint32_t)owner)->pid) > 1) {
		kill(atomic_load(&roster_box(s, (uint32_t)owner)->pid), SIGKILL);
	}
}

/*
 * While the supervisor waits for the link's lock, no executor takes it;
 * otherwise an executor that streams data would have the lock nearly always.
 */
static void want_lock(struct supervisor *s, bool want)
{
	if (s->lock_wanted == want)
		return;
	s->lock_wanted = want;
	atomic_store(&s->link.state->supervisor_waits, want);
	if (!want)
		futex_wake_all(&s->link.state->supervisor_waits);
}

static bool get_lock(struct supervisor *s, uint32_t deferred)
{
	if (s->has_lock)
		return true;
	if (deferred && link_lock_owner(s->link.state) == deferred)
		link_pass_lock(s->link.state, deferred, WIRE_SUPERVISOR);
	else if (!link_try_lock(s->link.state, WIRE_SUPERVISOR))
		return false;
	s->has_lock = true;
	want_lock(s, false);
	return true;
}

static void give_lock(struct supervisor *s)
{
	if (s->has_lock)
		link_unlock(s->link.state);
	s->has_lock = false;
}

void send_pending(struct supervisor *s)
{
	uint32_t deferred;
	bool begun;

	s->link_full = false;
	if (s->link.fd < 0) {
		send_reset(s);
		return;
	}
	while ((deferred = next_deferred(s)) || s->queue.len) {
		if (!get_lock(s, deferred)) {
			end_stuck_owner(s);
			want_lock(s, true);
			return;
		}
		begun = s->sending ||
			(deferred && atomic_load(&roster_box(s, deferred)->deferred_from));
		if (!(begun || !s->queue.len ? send_deferred(s, deferred) : send_queue(s))) {
			s->link_full = true;
			return;
		}
	}
	give_lock(s);
	want_lock(s, false);
}

bool send_wants_out(const struct supervisor *s)
{
	return s->link_full;
}

int send_poll_ms(struct supervisor *s)
{
	return s->lock_wanted ? LOCK_POLL_MS : -1;
}

void send_flush(struct supervisor *s, int limit_ms)
{
	int64_t end = now_ms() + limit_ms;

	for (send_pending(s); (s->link_full || s->lock_wanted) && now_ms() < end; send_pending(s)) {
		struct pollfd pfd = { s->link.fd, POLLOUT, 0 };

		poll(&pfd, s->link_full ? 1 : 0, LOCK_POLL_MS);
	}
}

void send_reset(struct supervisor *s)
{
	queue_clear(&s->queue);
	s->sending = 0;
	s->link_full = false;
	want_lock(s, false);
	for_each_channel(s, channel) {
		if (!atomic_load(&roster_box(s, channel)->deferred))
			continue;
		if (link_lock_owner(s->link.state) == channel)
			link_unlock(s->link.state);
		release(s, channel);
	}
	give_lock(s);
}
