// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes paths as GNU make reads them in a rule.  The manual (4.2 "Rule
 * Syntax") documents few escapes; the others were found by trial with make 4.3
 * and are checked in tests/harness/make.lua.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "runner/report/make_path.h"

/* Characters that lose their special meaning after a backslash. */
static const char *const escaped[] = {
	[MAKE_TARGET] = " #:*?[;\t%",
	[MAKE_PREREQUISITE] = " #:*?[;\t|",
};

/*
 * Characters that make must not see when it splits the line.  They are produced
 * by a $(call).
 */
static const char hidden[] = ";=\t";

/*
 * A path with one of these characters at its end cannot be written.  make
 * strips a blank at the end of a line, even if it is escaped, and nothing
 * escapes a backslash before the blank that follows the path.  A parenthesis
 * ends the name of an archive's member, "LIBRARY(MEMBER)" or "LIBRARY(MEMBER
 * MEMBER)", and the opening one can be in a path further left.  An ampersand
 * before the colon makes the rule one for grouped targets.
 */
static const char unreadable_ends[] = "\\) \t&";

static const char *relative(const char *path)
{
	char here[PATH_MAX];
	size_t n;

	if (!getcwd(here, sizeof(here)))
		return path;
	n = strlen(here);
	/* make replaces a "~" at the start of a path by a home folder. */
	if (strncmp(path, here, n) || path[n] != '/' || path[n + 1] == '~')
		return path;
	return path + n + 1;
}

static void add_char(struct buf *to, char c)
{
	if (strchr(hidden, c))
		buf_addf(to, "$(subst x,%c,x)", c);
	else if (c == '$')
		buf_addf(to, "$$");
	else
		buf_add(to, &c, 1);
}

/*
 * Can make read the path? With a wildcard in it, make also takes other
 * backslashes for escapes.
 */
static bool is_readable(const char *path)
{
	size_t len = strlen(path);

	if (len && strchr(unreadable_ends, path[len - 1]))
		return false;
	return !strpbrk(path, "\n\v\f\r") && !(strchr(path, '\\') && strpbrk(path, "*?["));
}

bool make_path_add(struct buf *to, const char *path, enum make_path_side side)
{
	if (!is_readable(path))
		return false;
	for (path = relative(path); *path; path++) {
		size_t nr_backslashes = strspn(path, "\\");

		/*
		 * Backslashes before a special character count as escapes;
		 * others do not.
		 */
		if (strchr(escaped[side], path[nr_backslashes])) {
			for (size_t i = 0; i < nr_backslashes; i++)
				buf_add(to, "\\\\", 2);
			buf_add(to, "\\", 1);
			path += nr_backslashes;
		} else if (nr_backslashes) {
			buf_add(to, path, nr_backslashes);
			path += nr_backslashes;
		}
		add_char(to, *path);
	}
	return true;
}

bool make_path_add_rules(struct buf *to, const char *target, const json_t *paths)
{
	bool all = make_path_add(to, target, MAKE_TARGET);
	const json_t *path;
	size_t i;

	if (!all)
		return false;
	buf_addf(to, ":");
	json_array_foreach(paths, i, path) {
		buf_addf(to, " ");
		all &= make_path_add(to, json_string_value(path), MAKE_PREREQUISITE);
	}
	buf_addf(to, "\n");
	json_array_foreach(paths, i, path) {
		buf_addf(to, "\n");
		if (make_path_add(to, json_string_value(path), MAKE_TARGET))
			buf_addf(to, ":\n");
	}
	return all;
}
