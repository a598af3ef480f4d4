// SPDX-License-Identifier: GPL-2.0-only
/*
 * runner/complaint: which lines begin and end a report of the kernel, and its
 * title.
 *
 * tests/host/complaints/NAME.txt holds real reports: a line "title: …" for
 * each, a blank line, then the log as the kernel printed it.  Those with a name
 * of shape-… are written by hand, in the shape that the kernel's code prints.
 *
 * A file can have several such cases, with a line "%%" between them.  Those of
 * public.txt are excerpts from syzkaller's collection of reports of the Linux
 * kernel, pkg/report/testdata/linux/report/ (Apache-2.0), cut to the lines from
 * which the title comes.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/complaint/parser.h"
#include "tests/host/lib/tap.h"

static const struct { const char *line, *title; } examples[] = {
#define KIND(name, flags, word, shape, title)
#define EXAMPLE(line, title) { line, title },
#include "runner/complaint/kinds.def"
};

/* Text of drivers and of user space that only resembles a report. */
static const char *const prose[] = {
	"mymod: DEBUG: state 3",
	"mymod: INFO: task queued",
	"Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on",
	"XFS (vda): WARNING: Reset corrupted AGFL on AG 0.",
	"WARNING: unit is old",
	"ODEBUG: on",
	"mymod: unable to handle request, retrying",
	"mymod: hard LOCKUP detector off",
	"mymod: general protection fault handler installed",
	"mymod: Oops: none so far",
	"mymod: refcount_t: ok",
	"traps: cat[93] general protection fault ip:7f12 sp:7ffe error:0 in libc.so.6",
	"cat[93]: segfault at 0 ip 000055d0 sp 00007ffe error 4 in cat",
	"Kernel panic timeout is 0",
	"rcu: INFO: lockdep is turned off",
	"INFO: lockdep is turned off.",
	"perf: interrupt took too long (2513 > 2500), lowering kernel.perf_event_max_sample_rate",
	"Memory cgroup out of memory: Killed process 93 (cat)",
	"nx-842: Internal error: no space for header",
	"Internal error: no space for header",
};

static void feed(struct complaint_parser *p, const char *line, size_t number)
{
	complaint_parser_feed(p, line, strlen(line), number, 0);
}

static void check_example(const char *line, const char *title)
{
	struct complaint_parser *p = complaint_parser_new();
	const struct complaint *c;
	size_t nr;

	feed(p, line, 0);
	c = complaint_parser_reports(p, &nr);
	if (!ok(nr == 1 && !strcmp(c->title, title), "kinds.def: %s", line))
		note("expected \"%s\", got \"%s\"", title, nr ? c->title : "(no report)");
	complaint_parser_free(p);
}

static void check_prose(const char *line)
{
	struct complaint_parser *p = complaint_parser_new();
	const struct complaint *c;
	size_t nr;

	feed(p, line, 0);
	c = complaint_parser_reports(p, &nr);
	if (!ok(nr == 0, "prose is no report: %s", line))
		note("got \"%s\"", c->title);
	complaint_parser_free(p);
}

/*
 * Returns the titles found in a file whose log is cut off after `lines` lines.
 */
static void titles_of(const char *log, size_t lines, struct buf *titles)
{
	struct complaint_parser *p = complaint_parser_new();
	const struct complaint *c;
	size_t nr;

	for (size_t i = 0; i < lines && *log; i++) {
		size_t len = strcspn(log, "\n");

		complaint_parser_feed(p, log, len, i, 0);
		log += len + (log[len] == '\n');
	}
	c = complaint_parser_reports(p, &nr);
	for (size_t i = 0; i < nr; i++)
		buf_addf(titles, "title: %s\n", c[i].title);
	complaint_parser_free(p);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Checks a log's titles, and that no beginning of the log has more reports. */
static void check_log(const char *name, const char *log, const char *expected)
{
	struct buf titles = { 0 };
	size_t whole;

	titles_of(log, SIZE_MAX, &titles);
	if (!ok(!strcmp(buf_str(&titles), expected), "%s: the titles of its reports", name))
		note("expected %s, got %s", expected, buf_str(&titles));
	whole = count_lines(buf_str(&titles));
	for (size_t n = count_lines(log); n--;) {
		buf_release(&titles);
		titles_of(log, n, &titles);
		if (count_lines(buf_str(&titles)) > whole) {
			ok(false, "%s: cut off after line %zu: more reports than in all of it", name, n);
			break;
		}
	}
	buf_release(&titles);
}

/* Checks one case: a line "source: …" or none, the titles, the log. */
static void check_case(const char *path, char *text)
{
	char *log = strstr(text, "\n\n"), name[200];
	size_t source = !strncmp(text, "source: ", 8) ? strcspn(text, "\n") : 0;

	snprintf(name, sizeof(name), "%s%s%.*s", path, source ? ", " : "", (int)source, text);
	if (!ok(log != NULL, "%s has titles and a log", name))
		return;
	log[1] = 0;
	check_log(name, log + 2, text + source + (source > 0));
}

static void check_file(const char *path)
{
	static const char between[] = "\n%%\n";
	struct buf file = { 0 };

	if (ok(!buf_read_file(&file, path), "%s can be read", path)) {
		char *text = buf_str(&file);

		for (char *end; (end = strstr(text, between)); text = end + strlen(between)) {
			end[1] = 0;
			check_case(path, text);
		}
		check_case(path, text);
	}
	buf_release(&file);
}

/*
 * Checks logs without reports: of a boot, and of what the kernel printed on
 * request.
 */
static void check_ordinary(const char *path)
{
	struct buf file = { 0 }, titles = { 0 };

	if (ok(!buf_read_file(&file, path), "%s can be read", path)) {
		titles_of(buf_str(&file), SIZE_MAX, &titles);
		if (!ok(!titles.len, "%s has no report", path))
			note("got %s", buf_str(&titles));
	}
	buf_release(&titles);
	buf_release(&file);
}

/* Two processors report at once, line by line. */
static void check_callers(void)
{
	static const char *const lines[] = {
		"[    1.000000][  T101] ------------[ cut here ]------------",
		"[    1.000001][  T102] ------------[ cut here ]------------",
		"[    1.000002][  T101] WARNING: CPU: 0 PID: 101 at a.c:1 first+0x1/0x2 [m]",
		"[    1.000003][  T102] WARNING: CPU: 1 PID: 102 at a.c:2 second+0x1/0x2 [m]",
		"[    1.000004][  T101] Call Trace:",
		"[    1.000005][  T102] Call Trace:",
		"[    1.000006][  T102]  second+0x1/0x2 [m]",
		"[    1.000007][  T101]  first+0x1/0x2 [m]",
		"[    1.000008][  T101] ---[ end trace 0000000000000000 ]---",
		"[    1.000009][  T102] ---[ end trace 0000000000000000 ]---",
	};
	struct complaint_parser *p = complaint_parser_new();
	const struct complaint *c;
	size_t nr;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		feed(p, lines[i], i);
	c = complaint_parser_reports(p, &nr);
	ok(nr == 2 && c[0].nr_lines == 5 && c[1].nr_lines == 5 &&
	   !strcmp(c[0].title, "WARNING in first") && !strcmp(c[1].title, "WARNING in second"),
	   "reports of two tasks are told apart by caller");
	complaint_parser_free(p);
}

/* The panic at the end of an oops is no second report; another panic is one. */
static void check_panic(void)
{
	struct complaint_parser *p = complaint_parser_new();
	const struct complaint *c;
	size_t nr;

	feed(p, "BUG: kernel NULL pointer dereference, address: 0000000000000008", 0);
	feed(p, "RIP: 0010:ring_read+0x3/0x9 [ring]", 1);
	feed(p, "---[ end trace 0000000000000000 ]---", 2);
	feed(p, "Kernel panic - not syncing: Fatal exception", 3);
	c = complaint_parser_reports(p, &nr);
	ok(nr == 1 && c->panic && c->fatal &&
	   !strcmp(c->title, "NULL pointer dereference in ring_read"),
	   "the panic that follows an oops belongs to the oops");
	feed(p, "ring: all is well", 4);
	feed(p, "Kernel panic - not syncing: ring is inside out", 5);
	c = complaint_parser_reports(p, &nr);
	ok(nr == 2 && !strcmp(c[1].title, "Kernel panic: ring is inside out"),
	   "a panic of another cause is a report of its own");
	complaint_parser_free(p);
}

int main(void)
{
	glob_t files;

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		check_example(examples[i].line, examples[i].title);
	for (size_t i = 0; i < sizeof(prose) / sizeof(prose[0]); i++)
		check_prose(prose[i]);
	check_callers();
	check_panic();
	if (!ok(!glob("tests/host/complaints/*.txt", 0, NULL, &files), "there are files of reports"))
		return done();
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_file(files.gl_pathv[i]);
	globfree(&files);
	if (!ok(!glob("tests/host/logs/*.txt", 0, NULL, &files), "there are ordinary logs"))
		return done();
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_ordinary(files.gl_pathv[i]);
	globfree(&files);
	return done();
}
