// SPDX-License-Identifier: GPL-2.0-only
/* Lets this runner take part in a session of make. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/make/session.h"
#include "runner/make/session_file.h"
#include "runner/make/status_line.h"

static struct {
	char *file, *base;		/* NULL: not in a session */
	pid_t pid;			/* the process that joined, not a child */
} self;

bool session_has_status_line(void)
{
	return self.file && status_line_possible();
}

/*
 * To be called with the session's file locked: prints the text, and the status
 * line below it.
 */
static void print(int fd, const char *text, size_t n, const char *doing)
{
	struct buf b = { 0 };
	struct session s;

	if (!status_line_possible()) {
		files_write_all(STDOUT_FILENO, text, n);
		return;
	}
	session_file_read(&s, fd);
	status_line_remove(&b);
	buf_add(&b, text, n);
	status_line_draw(&s, doing, &b);
	files_write_all(STDOUT_FILENO, b.p, b.len);
	buf_release(&b);
	session_release(&s);
}

/*
 * Appends the event to the file that all runners of make share, and prints the
 * text.  Without a session only prints the text.
 */
static void announce(const char *event, const char *text, size_t n)
{
	int fd = self.file ? files_lock(self.file, false) : -1;

	if (fd < 0) {
		files_write_all(STDOUT_FILENO, text, n);
		return;
	}
	files_write_all(fd, event, strlen(event));
	print(fd, text, n, "");
	close(fd);
}

void session_join(const char *file, const char *base)
{
	char *event;

	self.file = xstrdup(file);
	self.base = xstrdup(base);
	self.pid = getpid();
	event = xasprintf("start %d %lld %s\n", self.pid, (long long)clock_ns(), base);
	announce(event, "", 0);
	free(event);
}

void session_wait(bool begins)
{
	char *event;

	if (!self.file)
		return;
	event = xasprintf("%s %d\n", begins ? "wait" : "go", self.pid);
	announce(event, "", 0);
	free(event);
}

void session_end(const char *verdict, const char *text, size_t n)
{
	char *event = xasprintf("end %d %s %s\n", self.pid, *verdict ? verdict : "interrupted",
				self.base ? self.base : "");

	announce(event, text, n);
	free(event);
}

void session_tick(const char *doing)
{
	int fd = files_lock(self.file, false);
	struct session s;
	bool first;

	if (fd < 0)
		return;
	session_file_read(&s, fd);
	first = s.nr_runners && s.runners[0].pid == self.pid;
	session_release(&s);
	if (first)
		print(fd, "", 0, doing);
	close(fd);
}

bool session_has_failure(const char *file)
{
	int fd = files_lock(file, false);
	struct session s;
	bool failed;

	if (fd < 0)
		return false;
	session_file_read(&s, fd);
	failed = s.nr_failed > 0;
	session_release(&s);
	close(fd);
	return failed;
}
