// SPDX-License-Identifier: GPL-2.0-only
/* The kernel log, record by record, with the sequence numbers of /dev/kmsg. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"

#define RECORD_MAX 8192			/* kernel/printk/printk.c: CONSOLE_EXT_LOG_MAX */

/* "prio,seq,usec,flags;text\n continuation\n" to "[s.us] text\n". */
static size_t reformat(char *record, size_t n, uint64_t *seq, char *line, size_t cap)
{
	char *text, *end;
	uint64_t usec;
	int len;

	record[n] = 0;
	text = strchr(record, ';');
	if (!text || !strchr(record, ','))
		return 0;
	*seq = strtoull(strchr(record, ',') + 1, &end, 10);
	usec = *end == ',' ? strtoull(end + 1, NULL, 10) : 0;
	text[1 + strcspn(text + 1, "\n")] = 0;
	len = snprintf(line, cap, "[%5" PRIu64 ".%06" PRIu64 "] %s\n",
		       usec / 1000000, usec % 1000000, text + 1);
	return len < 0 ? 0 : (size_t)len < cap ? (size_t)len : cap - 1;
}

static void flush_piece(struct link *link, const struct wire_header *req,
			const char *piece, size_t *used)
{
	struct wire_header hdr = *req;
	struct wire_data data = { 1, { piece, (uint32_t)*used } };

	hdr.kind = WIRE_DATA;
	if (*used)
		link_send(link, &hdr, &wire_desc_data, &data);
	*used = 0;
}

int64_t kmsg_send(struct link *link, const struct wire_header *req, uint64_t from)
{
	static char record[RECORD_MAX + 1], line[RECORD_MAX + 64];
	static char piece[WIRE_PIECE];
	static int fd = -1;		/* stays open: a log is read often */
	static uint64_t next;		/* the record fd stands at */
	size_t used = 0;

	if (fd < 0) {
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			fd = fd_out_of_the_way(fd);
		if (fd < 0)
			return -errno;
	}
	if (from < next || !from)
		lseek(fd, 0, SEEK_SET);
	for (;;) {
		ssize_t n = read(fd, record, RECORD_MAX);
		uint64_t seq = 0;
		size_t len;

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;	/* EPIPE: overwritten, the next one follows */
		if (n <= 0)
			break;
		len = reformat(record, (size_t)n, &seq, line, sizeof(line));
		next = seq + 1;
		if (!len || seq < from)
			continue;
		if (used + len > sizeof(piece))
			flush_piece(link, req, piece, &used);
		memcpy(piece + used, line, len);
		used += len;
	}
	flush_piece(link, req, piece, &used);
	return (int64_t)next;
}

void kmsg_blocked_tasks(char *buf, size_t cap)
{
	static char record[RECORD_MAX + 1], line[RECORD_MAX + 64];
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	size_t used = strlen(buf);
	uint64_t seq;
	ssize_t n;

	if (log >= 0 && trigger >= 0 && lseek(log, 0, SEEK_END) >= 0 &&
	    write(trigger, "w", 1) == 1) {
		while ((n = read(log, record, RECORD_MAX)) > 0) {
			size_t len = reformat(record, (size_t)n, &seq, line,
					      sizeof(line));

			if (used + len >= cap)
				break;
			memcpy(buf + used, line, len);
			used += len;
			buf[used] = 0;
		}
	}
	if (log >= 0)
		close(log);
	if (trigger >= 0)
		close(trigger);
}
