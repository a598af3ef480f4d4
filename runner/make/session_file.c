// SPDX-License-Identifier: GPL-2.0-only
/* Reads the file that the runners of one make share. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/make/session_file.h"

void session_release(struct session *s)
{
	for (size_t i = 0; i < s->nr_planned; i++)
		free(s->planned[i].base);
	free(s->planned);
	free(s->runners);
	*s = (struct session){ 0 };
}

static void add_planned(struct session *s, const char *base, double expected_s)
{
	s->planned = xreallocarray(s->planned, s->nr_planned + 1, sizeof(*s->planned));
	s->planned[s->nr_planned++] = (struct session_planned){ xstrdup(base), expected_s, false };
}

static void add_runner(struct session *s, pid_t pid, int64_t start_ns, const char *base)
{
	struct session_runner r = { .pid = pid, .start_ns = start_ns, .expected_s = -1 };

	for (size_t i = 0; i < s->nr_planned; i++)
		if (!strcmp(s->planned[i].base, base)) {
			s->planned[i].started = true;
			r.expected_s = s->planned[i].expected_s;
		}
	s->runners = xreallocarray(s->runners, s->nr_runners + 1, sizeof(*s->runners));
	s->runners[s->nr_runners++] = r;
}

static struct session_runner *find_runner(struct session *s, pid_t pid)
{
	for (size_t i = 0; i < s->nr_runners; i++)
		if (s->runners[i].pid == pid)
			return &s->runners[i];
	return NULL;
}

static void remove_runner(struct session *s, struct session_runner *r)
{
	size_t nr_after = (size_t)(s->runners + s->nr_runners - r - 1);

	memmove(r, r + 1, nr_after * sizeof(*r));
	s->nr_runners--;
}

static void apply_event(struct session *s, const char *line)
{
	struct session_runner *r;
	char verdict[16];
	long long ns;
	double seconds;
	int pid, at = 0;

	if (sscanf(line, "expect %lf %n", &seconds, &at) == 1 && at) {
		add_planned(s, line + at, seconds);
	} else if (sscanf(line, "start %d %lld %n", &pid, &ns, &at) == 2 && at) {
		add_runner(s, pid, ns, line + at);
	} else if (sscanf(line, "wait %d", &pid) == 1 || sscanf(line, "go %d", &pid) == 1) {
		r = find_runner(s, pid);
		if (r)
			r->waiting = *line == 'w';
	} else if (sscanf(line, "end %d %15s", &pid, verdict) == 2) {
		r = find_runner(s, pid);
		if (r)
			remove_runner(s, r);
		s->nr_done++;
		s->nr_failed += strcmp(verdict, "ok") != 0;
	}
}

void session_file_read(struct session *s, int fd)
{
	struct buf b = { 0 };
	char *text;

	*s = (struct session){ 0 };
	lseek(fd, 0, SEEK_SET);
	buf_read_fd(&b, fd);
	text = buf_str(&b);
	for (char *line; (line = strsep(&text, "\n"));)
		apply_event(s, line);
	buf_release(&b);
	for (size_t i = s->nr_runners; i-- > 0;)
		if (kill(s->runners[i].pid, 0) && errno == ESRCH)
			remove_runner(s, &s->runners[i]);
}
