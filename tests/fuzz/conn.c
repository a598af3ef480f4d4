// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the runner's side of the connection: frames cut out of a stream of
 * bytes.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/vm/conn.h"
#include "tests/fuzz/fuzz.h"

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

/* The bytes arrive in two pieces. */
void fuzz(const uint8_t *data, size_t size)
{
	struct conn c;
	int fds[2];
	size_t half = size ? data[0] % size : 0;

	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return;
	conn_init(&c);
	conn_open(&c, fds[0]);
	if (write(fds[1], data, half) == (ssize_t)half) {
		conn_feed(&c);
		take_all(&c);
		if (write(fds[1], data + half, size - half) == (ssize_t)(size - half)) {
			conn_feed(&c);
			take_all(&c);
		}
	}
	close(fds[1]);
	conn_feed(&c);
	conn_release(&c);
}
