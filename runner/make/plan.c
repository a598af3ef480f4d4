// SPDX-License-Identifier: GPL-2.0-only
/* Finds out what make is going to run, and in which order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/make/plan.h"
#include "runner/report/record.h"

/* --- the list of the tests that make is going to run --- */

/*
 * Is the file at path newer than the other one? A missing file counts as newer.
 */
static bool is_newer(const char *path, const struct stat *than)
{
	struct stat st;

	return stat(path, &st) || files_newer(st.st_mtim, than->st_mtim);
}

/*
 * Predicts whether make will run the test BASE, from its verdict and the
 * dependencies of its last run.
 */
static bool will_run(const char *base, const json_t *record, const struct plan_opts *opts)
{
	char *path = xasprintf("%s.ok", base);
	struct stat ok;
	bool run = stat(path, &ok) != 0;
	json_t *dep;
	size_t i;

	free(path);
	for (i = 0; !run && i < opts->nr_inputs; i++)
		run = is_newer(opts->inputs[i], &ok);
	if (!run)
		json_array_foreach(json_object_get(record, "deps"), i, dep)
			run = run || !json_is_string(dep) ||
			      is_newer(json_string_value(dep), &ok);
	return run;
}

static void add_expected(struct buf *to, const char *base, const struct plan_opts *opts)
{
	json_t *record = NULL;
	struct err unread;

	if (result_read(base, &record, &unread))
		record = NULL;
	if (opts->all || !record || will_run(base, record, opts))
		buf_addf(to, "expect %.3f %s\n", record ? record_seconds(record) : -1, base);
	json_decref(record);
}

int plan_write(const char *file, char *const *bases, size_t nr,
	       const struct plan_opts *opts, struct err *err)
{
	struct buf b = { 0 };
	int fd, ret;

	for (size_t i = 0; i < nr; i++)
		add_expected(&b, bases[i], opts);
	fd = files_lock(file, false);
	ret = fd < 0 ? fd : ftruncate(fd, 0) ? -errno : 0;
	if (!ret)
		ret = files_write_all(fd, b.p, b.len);
	if (ret)
		err_set(err, ERR_BROKEN, ret, "cannot write %s: %s", file, strerror(-ret));
	if (fd >= 0)
		close(fd);
	buf_release(&b);
	return ret;
}

/* --- the order of the tests, the longest first --- */

struct duration {
	const char *name;
	double seconds;
};

static int longest_first(const void *a, const void *b)
{
	const struct duration *x = a, *y = b;

	return x->seconds > y->seconds ? -1 : x->seconds < y->seconds ? 1 :
	       strcmp(x->name, y->name);
}

/*
 * Fills durations with those of the tests below dir that have a result.
 * Returns their number.
 */
static size_t read_durations(struct duration *durations, const char *dir,
			     char *const *bases, size_t nr)
{
	size_t len = strlen(dir), n = 0;
	struct err unread;

	for (size_t i = 0; i < nr; i++) {
		json_t *record = NULL;

		if (strncmp(bases[i], dir, len) || result_read(bases[i], &record, &unread))
			continue;
		durations[n++] = (struct duration){ bases[i] + len + 1, record_seconds(record) };
		json_decref(record);
	}
	return n;
}

int plan_write_order(const char *makefile, char *const *bases, size_t nr, struct err *err)
{
	struct duration *durations = xcalloc(nr, sizeof(*durations));
	char *dir = files_dirname(makefile);
	size_t n = read_durations(durations, dir, bases, nr);
	struct buf b = { 0 };
	int ret;

	qsort(durations, n, sizeof(*durations), longest_first);
	buf_addf(&b, "# The tests, the one that took longest first.\nORDER :=");
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, " \\\n\t%s", durations[i].name);
	buf_addf(&b, "\n");
	ret = files_write(makefile, b.p, b.len, err);
	buf_release(&b);
	free(dir);
	free(durations);
	return ret;
}
