// SPDX-License-Identifier: GPL-2.0-only
/* Access to a guest's memory through QEMU's gdb stub; see gdb.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/qemu/gdb.h"

#define MAX_BYTES 64			/* most bytes of memory in one packet */
#define PACKET (2 * MAX_BYTES + 64)

static int read_byte(int fd, char *c, int64_t deadline_ns, struct err *err)
{
	struct pollfd fds[] = {
		{ fd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
	};
	int n = poll(fds, 2, deadline_poll_ms(deadline_ns));

	if (interrupt_pending())
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	if (!n)
		return err_set(err, ERR_BROKEN, -ETIMEDOUT,
			       "QEMU's gdb stub does not answer in time");
	if (recv(fd, c, 1, 0) != 1)
		return err_set(err, ERR_BROKEN, -EPIPE,
			       "QEMU's gdb stub closed its connection");
	return 0;
}

/* Receives one packet: the text between $ and #, without the checksum. */
static int receive(int fd, char *packet, int64_t deadline_ns, struct err *err)
{
	size_t n = 0;
	char c = 0;
	int ret = 0;

	while (!ret && c != '$')	/* skips acknowledgements */
		ret = read_byte(fd, &c, deadline_ns, err);
	while (!ret && c != '#') {
		ret = read_byte(fd, &c, deadline_ns, err);
		if (c != '#' && n + 1 < PACKET)
			packet[n++] = c;
	}
	packet[n] = 0;
	for (int i = 0; !ret && i < 2; i++)
		ret = read_byte(fd, &c, deadline_ns, err);
	if (!ret && send(fd, "+", 1, MSG_NOSIGNAL) != 1)
		ret = err_set(err, ERR_BROKEN, -EPIPE, "QEMU's gdb stub closed its connection");
	return ret;
}

static int ask(int fd, const char *text, char *answer, int64_t deadline_ns,
	       struct err *err)
{
	char packet[PACKET + 8];
	unsigned int sum = 0;
	int n;

	for (const char *at = text; *at; at++)
		sum += (unsigned char)*at;
	n = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum & 0xff);
	if (send(fd, packet, (size_t)n, MSG_NOSIGNAL) != n)
		return err_set(err, ERR_BROKEN, -EPIPE, "QEMU's gdb stub closed its connection");
	return receive(fd, answer, deadline_ns, err);
}

static int refused(uint64_t addr, const char *answer, struct err *err)
{
	return err_set(err, ERR_BROKEN, -EIO,
		       "QEMU's gdb stub refused guest address 0x%llx: \"%s\"",
		       (unsigned long long)addr, answer);
}

int gdb_read(int fd, uint64_t addr, void *p, size_t n, int64_t deadline_ns,
	     struct err *err)
{
	char text[PACKET], answer[PACKET], byte[3] = "";
	uint8_t *to = p;
	int ret;

	snprintf(text, sizeof(text), "m%llx,%zx", (unsigned long long)addr, n);
	ret = ask(fd, text, answer, deadline_ns, err);
	if (ret)
		return ret;
	if (n > MAX_BYTES || strlen(answer) != 2 * n)
		return refused(addr, answer, err);
	for (size_t i = 0; i < n; i++) {
		memcpy(byte, answer + 2 * i, 2);
		to[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return 0;
}

int gdb_write(int fd, uint64_t addr, const void *p, size_t n,
	      int64_t deadline_ns, struct err *err)
{
	char text[PACKET], answer[PACKET];
	const uint8_t *from = p;
	int used, ret;

	if (n > MAX_BYTES)
		return refused(addr, "too long", err);
	used = snprintf(text, sizeof(text), "M%llx,%zx:",
			(unsigned long long)addr, n);
	for (size_t i = 0; i < n; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used,
				 "%02x", from[i]);
	ret = ask(fd, text, answer, deadline_ns, err);
	return ret || !strcmp(answer, "OK") ? ret : refused(addr, answer, err);
}
