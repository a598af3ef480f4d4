// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the runner's side of the connection: frames cut out of a stream of
 * bytes.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/vm/conn.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 65536u		/* bytes of an input: a socket takes
					 * that many at once */

static int fds[2], ended_fd;

/* All inputs use the same sockets, because making sockets takes time. */
static void set_up(void)
{
	int pair[2];

	if (fds[1])
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	close(pair[1]);
	ended_fd = pair[0];
}

static void take_all(struct conn *c)
{
	struct wire_header hdr;
	const uint8_t *payload;
	struct err err;
	volatile uint8_t sum = 0;

	while (conn_peek(c, &hdr, &payload, &err) > 0) {
		for (uint32_t i = 0; i < hdr.len; i++)
			sum = (uint8_t)(sum + payload[i]);
		conn_drop(c, &hdr);
	}
}

/*
 * Reading from the socket takes most of the time, so only some of the inputs go
 * through it.
 */
static void receive(struct conn *c, const uint8_t *data, size_t size, bool by_socket)
{
	if (!by_socket)
		buf_add(&c->in, data, size);
	else if (write(fds[1], data, size) != (ssize_t)size || conn_feed(c))
		abort();
	take_all(c);
}

/* Passes the bytes to the connection in two pieces. */
void fuzz(const uint8_t *data, size_t size)
{
	struct conn c;
	size_t half = size ? data[0] % size : 0;
	bool by_socket = size % 16 == 0;

	if (size > INPUT_MAX)
		return;
	set_up();
	conn_init(&c);
	conn_open(&c, fds[0]);
	receive(&c, data, half, by_socket);
	receive(&c, data + half, size - half, by_socket);
	c.fd = ended_fd;
	if (by_socket && !conn_feed(&c))
		abort();
	c.fd = -1;
	conn_release(&c);
}
