// SPDX-License-Identifier: GPL-2.0-only
/* Frames in and out of the link, and the lock that keeps writers apart. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/agent.h"

#define IN_SIZE (WIRE_HEADER + (size_t)WIRE_MAX)

void *shared_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int fd_out_of_the_way(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, AGENT_FD_BASE);

	if (moved < 0)
		return -errno;
	close(fd);
	return moved;
}

int futex_wait(_Atomic uint32_t *word, uint32_t while_value)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAIT, while_value, NULL,
			    NULL, 0);
}

void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int link_init(struct link *link)
{
	memset(link, 0, sizeof(*link));
	link->fd = -1;
	link->lock = shared_map(sizeof(*link->lock));
	link->in = mmap(NULL, IN_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return link->lock && link->in != MAP_FAILED ? 0 : -ENOMEM;
}

void link_attach(struct link *link, int fd)
{
	link_detach(link);
	link->fd = fd;
	atomic_fetch_add(&link->lock->generation, 1);
}

void link_detach(struct link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->in_len = 0;
	link->greeted = false;
}

ssize_t link_fill(struct link *link)
{
	ssize_t n = read(link->fd, link->in + link->in_len,
			 IN_SIZE - link->in_len);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? -EAGAIN : -errno;
	link->in_len += (size_t)n;
	return n;
}

int link_peek(struct link *link, struct wire_header *hdr, const uint8_t **payload)
{
	if (link->in_len < WIRE_HEADER)
		return 0;
	if (wire_get_header(link->in, hdr))
		return -EBADMSG;
	*payload = link->in + WIRE_HEADER;
	return link->in_len >= WIRE_HEADER + hdr->len;
}

void link_drop(struct link *link, const struct wire_header *hdr)
{
	size_t n = WIRE_HEADER + hdr->len;

	link->in_len -= n;
	memmove(link->in, link->in + n, link->in_len);
	if (n > LINK_ATOMIC && !link->in_len)
		madvise(link->in, IN_SIZE, MADV_DONTNEED);
}

void link_lock(struct link_lock *lock, uint32_t chan)
{
	uint32_t seen = 0;

	while (!atomic_compare_exchange_strong(&lock->owner, &seen, chan + 1)) {
		atomic_fetch_add(&lock->waiters, 1);
		futex_wait(&lock->owner, seen);
		atomic_fetch_sub(&lock->waiters, 1);
		seen = 0;
	}
}

void link_unlock(struct link_lock *lock)
{
	atomic_store(&lock->owner, 0);
	if (atomic_load(&lock->waiters))
		futex_wake(&lock->owner);
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
	static uint8_t frame[LINK_ATOMIC];
	struct wire_header out = *hdr;
	size_t n = wire_encode(desc, msg, frame + WIRE_HEADER,
			       sizeof(frame) - WIRE_HEADER);

	if (link->fd < 0 || n > sizeof(frame) - WIRE_HEADER)
		return;		/* the runner sees a tag without a reply */
	out.len = (uint32_t)n;
	wire_put_header(frame, &out);
	link_lock(link->lock, WIRE_SUPERVISOR);
	link_write(link->fd, frame, WIRE_HEADER + n);
	link_unlock(link->lock);
}
