// SPDX-License-Identifier: GPL-2.0-only
/* What the runners of one make tell each other, and what they show together. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/make/progress.h"
#include "runner/report/record.h"

#define UNKNOWN_S 5.0		/* a file that never ran, when none did */

static struct {
	char *file, *base;
	pid_t pid;
} mine;

/* --- the file: lines of what happened --- */

/*
 *	expect SECONDS BASE	to be run; -1: nobody knows how long
 *	start PID NS BASE
 *	wait PID		for memory
 *	go PID
 *	end PID VERDICT BASE
 */
struct running {
	pid_t pid;
	int64_t start_ns;
	double expected;
	bool waits;
};

struct state {
	struct expected {
		char *base;
		double seconds;
		bool begun;
	} *plan;
	struct running *running;
	size_t nr_plan, nr_running, done, failed;
};

static void state_release(struct state *s)
{
	for (size_t i = 0; i < s->nr_plan; i++)
		free(s->plan[i].base);
	free(s->plan);
	free(s->running);
}

static void expect(struct state *s, const char *base, double seconds)
{
	s->plan = xreallocarray(s->plan, s->nr_plan + 1, sizeof(*s->plan));
	s->plan[s->nr_plan++] = (struct expected){ xstrdup(base), seconds, false };
}

static void started(struct state *s, pid_t pid, int64_t ns, const char *base)
{
	struct running r = { .pid = pid, .start_ns = ns, .expected = -1 };

	for (size_t i = 0; i < s->nr_plan; i++)
		if (!strcmp(s->plan[i].base, base)) {
			s->plan[i].begun = true;
			r.expected = s->plan[i].seconds;
		}
	s->running = xreallocarray(s->running, s->nr_running + 1,
				   sizeof(*s->running));
	s->running[s->nr_running++] = r;
}

static struct running *find(struct state *s, pid_t pid)
{
	for (size_t i = 0; i < s->nr_running; i++)
		if (s->running[i].pid == pid)
			return &s->running[i];
	return NULL;
}

static void gone(struct state *s, struct running *r)
{
	size_t after = (size_t)(s->running + s->nr_running - r - 1);

	memmove(r, r + 1, after * sizeof(*r));
	s->nr_running--;
}

static void line(struct state *s, const char *text)
{
	char verdict[16];
	long long ns;
	double seconds;
	struct running *r;
	int pid, at = 0;

	if (sscanf(text, "expect %lf %n", &seconds, &at) == 1 && at) {
		expect(s, text + at, seconds);
	} else if (sscanf(text, "start %d %lld %n", &pid, &ns, &at) == 2 && at) {
		started(s, pid, ns, text + at);
	} else if ((sscanf(text, "wait %d", &pid) == 1 || sscanf(text, "go %d", &pid) == 1)) {
		r = find(s, pid);
		if (r)
			r->waits = *text == 'w';
	} else if (sscanf(text, "end %d %15s", &pid, verdict) == 2) {
		r = find(s, pid);
		if (r)
			gone(s, r);
		s->done++;
		s->failed += strcmp(verdict, "ok") != 0;
	}
}

static void state_read(struct state *s, int fd)
{
	struct buf b = { 0 };
	char *text;

	*s = (struct state){ 0 };
	lseek(fd, 0, SEEK_SET);
	buf_read_fd(&b, fd);
	text = buf_str(&b);
	for (char *l; (l = strsep(&text, "\n"));)
		line(s, l);
	buf_release(&b);
	/* Whoever was killed said nothing. */
	for (size_t i = s->nr_running; i-- > 0;)
		if (kill(s->running[i].pid, 0) && errno == ESRCH)
			gone(s, &s->running[i]);
}

/* --- the status line --- */

bool progress_shown(void)
{
	const char *term = getenv("TERM");

	return mine.file && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

/* What the files take that never ran: as long as the others on the average. */
static double usual(const struct state *s)
{
	double sum = 0;
	unsigned int n = 0;

	for (size_t i = 0; i < s->nr_plan; i++)
		if (s->plan[i].seconds >= 0) {
			sum += s->plan[i].seconds;
			n++;
		}
	return n ? sum / n : UNKNOWN_S;
}

/* As many at once as now, none longer than it took last time. */
static double time_left(const struct state *s)
{
	double sum = 0, most = 0, one, mean = usual(s);

	for (size_t i = 0; i < s->nr_running; i++) {
		one = s->running[i].expected >= 0 ? s->running[i].expected : mean;
		one -= seconds_since(s->running[i].start_ns);
		sum += one > 0 ? one : 0;
		most = one > most ? one : most;
	}
	for (size_t i = 0; i < s->nr_plan; i++) {
		if (s->plan[i].begun)
			continue;
		one = s->plan[i].seconds >= 0 ? s->plan[i].seconds : mean;
		sum += one;
		most = one > most ? one : most;
	}
	sum /= s->nr_running ? (double)s->nr_running : 1;
	return sum > most ? sum : most;
}

static void status_text(const struct state *s, struct buf *to)
{
	size_t waiting = 0, left = 0;
	double seconds = time_left(s);

	for (size_t i = 0; i < s->nr_running; i++)
		waiting += s->running[i].waits;
	for (size_t i = 0; i < s->nr_plan; i++)
		left += !s->plan[i].begun;
	buf_addf(to, "%zu running, %zu of %zu done", s->nr_running - waiting, s->done,
		 s->done + s->nr_running + left);
	if (s->failed)
		buf_addf(to, ", %zu failed", s->failed);
	if (waiting)
		buf_addf(to, ", %zu waiting for memory", waiting);
	if (seconds >= 60)
		buf_addf(to, ", about %.0f min left", seconds / 60);
	else if (seconds >= 1)
		buf_addf(to, ", about %.0f s left", seconds);
}

/* On the line below the cursor, which stays where others may print. */
static void status_line(const struct state *s, struct buf *to)
{
	struct buf text = { 0 };
	struct winsize size;

	if (!s->nr_running)
		return;
	status_text(s, &text);
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && text.len >= size.ws_col)
		text.len = size.ws_col - 1u;
	buf_addf(to, "\n%s\033[A\r", buf_str(&text));
	buf_release(&text);
}

/* With the lock held: prints the text, and the status line below it. */
static void show(int fd, const char *text, size_t n)
{
	struct buf b = { 0 };
	struct state s;

	if (!progress_shown()) {
		files_write_all(STDOUT_FILENO, text, n);
		return;
	}
	state_read(&s, fd);
	buf_addf(&b, "\r\033[J");
	buf_add(&b, text, n);
	status_line(&s, &b);
	files_write_all(STDOUT_FILENO, b.p, b.len);
	buf_release(&b);
	state_release(&s);
}

/* --- what the runners say --- */

static void say(const char *happened, const char *text, size_t n)
{
	int fd = mine.file ? files_lock(mine.file, false) : -1;

	if (fd < 0) {
		files_write_all(STDOUT_FILENO, text, n);
		return;
	}
	files_write_all(fd, happened, strlen(happened));
	show(fd, text, n);
	close(fd);
}

void progress_start(const char *file, const char *base)
{
	char *text;

	mine.file = xstrdup(file);
	mine.base = xstrdup(base);
	mine.pid = getpid();
	text = xasprintf("start %d %lld %s\n", mine.pid, (long long)clock_ns(), base);
	say(text, "", 0);
	free(text);
}

void progress_waiting(bool waits)
{
	char *text;

	if (!mine.file)
		return;
	text = xasprintf("%s %d\n", waits ? "wait" : "go", mine.pid);
	say(text, "", 0);
	free(text);
}

void progress_end(const char *verdict, const char *text, size_t n)
{
	char *happened = mine.file ? xasprintf("end %d %s %s\n", mine.pid,
		*verdict ? verdict : "interrupted", mine.base) : xstrdup("");

	say(happened, text, n);
	free(happened);
}

/* One of them is enough: who began first. */
void progress_tick(void)
{
	int fd = files_lock(mine.file, false);
	struct state s;
	bool first;

	if (fd < 0)
		return;
	state_read(&s, fd);
	first = s.nr_running && s.running[0].pid == mine.pid;
	state_release(&s);
	if (first)
		show(fd, "", 0);
	close(fd);
}

bool progress_failed(const char *file)
{
	int fd = files_lock(file, false);
	struct state s;
	bool failed;

	if (fd < 0)
		return false;
	state_read(&s, fd);
	failed = s.failed > 0;
	state_release(&s);
	close(fd);
	return failed;
}

/* --- the plan --- */

static bool newer(const char *path, const struct stat *than)
{
	struct stat st;

	if (stat(path, &st))
		return true;
	return files_newer(st.st_mtim, than->st_mtim);
}

/* As make will decide, by the verdict and by what the last run depended on. */
static bool will_run(const char *base, const json_t *record, char *const *inputs,
		     size_t nr_inputs)
{
	char *path = xasprintf("%s.ok", base);
	struct stat ok;
	bool run = stat(path, &ok) != 0;
	json_t *dep;
	size_t i;

	free(path);
	for (i = 0; !run && i < nr_inputs; i++)
		run = newer(inputs[i], &ok);
	if (!run)
		json_array_foreach(json_object_get(record, "deps"), i, dep)
			run = run || newer(json_string_value(dep), &ok);
	return run;
}

int progress_plan(const char *file, char *const *inputs, size_t nr_inputs,
		  char *const *bases, size_t nr, bool all, struct err *err)
{
	struct buf b = { 0 };
	int fd, ret = 0;

	for (size_t i = 0; i < nr; i++) {
		json_t *record = NULL;
		struct err unread;

		if (result_read(bases[i], &record, &unread))
			record = NULL;
		if (all || !record || will_run(bases[i], record, inputs, nr_inputs))
			buf_addf(&b, "expect %.3f %s\n",
				 record ? record_seconds(record) : -1, bases[i]);
		json_decref(record);
	}
	fd = files_lock(file, false);
	ret = fd < 0 ? fd : ftruncate(fd, 0) ? -errno : 0;
	if (!ret)
		ret = files_write_all(fd, b.p, b.len);
	if (ret)
		err_set(err, ERR_BROKEN, ret, "cannot write %s: %s", file,
			strerror(-ret));
	if (fd >= 0)
		close(fd);
	buf_release(&b);
	return ret;
}
