// SPDX-License-Identifier: GPL-2.0-only
/* The link to the agent.  PROVIUM_TRACE=1 prints every frame on stderr. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/vm/conn.h"

#define READ_SIZE 65536

void chan_init(struct chan *c)
{
	*c = (struct chan){ .fd = -1 };
}

void chan_open(struct chan *c, int fd)
{
	c->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void trace(const char *prefix, const struct wire_header *hdr,
		  const void *payload)
{
	static int on = -1;

	if (on < 0)
		on = getenv("PROVIUM_TRACE") != NULL;
	if (on)
		wire_print(stderr, prefix, hdr, payload);
}

int chan_send(struct chan *c, const struct wire_header *hdr, const void *payload)
{
	wire_put_header(buf_room(&c->out, WIRE_HEADER), hdr);
	c->out.len += WIRE_HEADER;
	buf_add(&c->out, payload, hdr->len);
	trace("->", hdr, payload);
	return chan_flush(c);
}

int chan_flush(struct chan *c)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			buf_drop(&c->out, (size_t)n);
	}
	return 0;
}

bool chan_wants_out(const struct chan *c)
{
	return c->out.len;
}

int chan_feed(struct chan *c)
{
	ssize_t n = recv(c->fd, buf_room(&c->in, READ_SIZE), READ_SIZE, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -EPIPE;
	c->in.len += (size_t)n;
	return 0;
}

int chan_peek(struct chan *c, struct wire_header *hdr, const uint8_t **payload,
	      struct err *err)
{
	if (c->in.len < WIRE_HEADER)
		return 0;
	if (wire_get_header(c->in.p, hdr))
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent sent a malformed frame (length %u, kind %u)",
			       hdr->len, hdr->kind);
	if (c->in.len < WIRE_HEADER + hdr->len)
		return 0;
	*payload = c->in.p + WIRE_HEADER;
	trace("<-", hdr, *payload);
	return 1;
}

void chan_drop(struct chan *c, const struct wire_header *hdr)
{
	buf_drop(&c->in, WIRE_HEADER + hdr->len);
}

void chan_release(struct chan *c)
{
	if (c->fd >= 0)
		close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	chan_init(c);
}
