// SPDX-License-Identifier: GPL-2.0-only
/* Reads records of /dev/kmsg; see kernel_log_record.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest/kernel_log.h"
#include "agent/guest/kernel_log_record.h"
#include "agent/shared/high_fd.h"
#include "agent/wire/wire.h"

#define RECORD_MAX 8192			/* kernel/printk/printk.c: CONSOLE_EXT_LOG_MAX */

int64_t kernel_log_read(uint64_t from, kernel_log_fn emit, void *context)
{
	static char record[RECORD_MAX + 2];
	static char piece[WIRE_PIECE];
	static int fd = -1;		/* stays open: the log is read often */
	static uint64_t next;		/* number of the record that fd reads next */
	size_t used = 0;

	if (fd < 0) {
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			fd = high_fd(fd);
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
			continue;	/* EPIPE: the record was overwritten */
		if (n <= 0)
			break;
		len = kernel_log_record_cut(record, (size_t)n, &seq);
		if (!len)
			continue;
		next = seq + 1;
		if (seq < from)
			continue;
		if (used + len > sizeof(piece)) {
			emit(context, piece, used);
			used = 0;
		}
		memcpy(piece + used, record, len);
		used += len;
	}
	if (used)
		emit(context, piece, used);
	return (int64_t)next;
}

/*
 * A file of the kernel that has a counter in it.  The file stays open, because
 * it is read often.
 */
struct counter {
	const char *path;
	int fd;				/* 0: not opened yet; -1: there is none */
};

static uint64_t read_counter(struct counter *c)
{
	char text[32];
	ssize_t n;

	if (!c->fd) {
		c->fd = open(c->path, O_RDONLY | O_CLOEXEC);
		if (c->fd >= 0)
			c->fd = high_fd(c->fd);
	}
	n = c->fd < 0 ? -1 : pread(c->fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	return strtoull(text, NULL, 10);
}

void kernel_log_counters(uint64_t *taint, uint64_t *warnings)
{
	static struct counter flags = { "/proc/sys/kernel/tainted", 0 };
	static struct counter warns = { "/sys/kernel/warn_count", 0 };
	static struct counter oopses = { "/sys/kernel/oops_count", 0 };

	*taint = read_counter(&flags);
	*warnings = read_counter(&warns) + read_counter(&oopses);
}

/* Has the kernel log what a key of sysrq asks for.  Returns whether it does. */
static bool sysrq(const char *key)
{
	int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	bool is_asked = trigger >= 0 && write(trigger, key, 1) == 1;

	if (trigger >= 0)
		close(trigger);
	return is_asked;
}

void kernel_log_blocked_tasks(char *buf, size_t cap)
{
	static char record[RECORD_MAX + 2], line[RECORD_MAX + 64];
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	size_t used = strlen(buf);
	uint64_t seq;
	ssize_t n;

	if (log >= 0 && lseek(log, 0, SEEK_END) >= 0 && sysrq("w")) {
		while ((n = read(log, record, RECORD_MAX)) > 0) {
			size_t len = kernel_log_record_cut(record, (size_t)n, &seq);

			if (len)
				len = kernel_log_record_print(record, line, sizeof(line));
			if (used + len >= cap)
				break;
			memcpy(buf + used, line, len);
			used += len;
			buf[used] = 0;
		}
	}
	if (log >= 0)
		close(log);
}

void kernel_log_loops(const char *tasks)
{
	int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char mark[KERNEL_LOG_TASKS + 80];
	int n = snprintf(mark, sizeof(mark),
			 "provium: tasks that were killed still run in the kernel:%s\n", tasks);

	if (log < 0)
		return;
	if (write(log, mark, (size_t)n) == n)
		sysrq("l");	/* a kernel for one processor cannot do this */
	close(log);
}
