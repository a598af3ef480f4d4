// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the escaping of paths in a rule for make: make must read the path that
 * was written.
 *
 * Starting make takes milliseconds.  So each path is read by a model of make's
 * parser, and every MAKE_INTERVAL-th one, the first included, by make itself.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/report/make_path.h"
#include "tests/fuzz/fuzz.h"

#define MAKE_INTERVAL 4096

/*
 * Undoes "$$" and "$(subst x,C,x)", which make does before it splits the line.
 */
static void expand(const char *from, struct buf *to)
{
	static const char call[] = "$(subst x,";

	while (*from) {
		if (!strncmp(from, "$$", 2)) {
			buf_add(to, "$", 1);
			from += 2;
		} else if (!strncmp(from, call, strlen(call))) {
			buf_add(to, from + strlen(call), 1);
			from += strlen(call) + strlen("C,x)");
		} else if (*from == '$') {
			abort();
		} else {
			buf_add(to, from++, 1);
		}
	}
}

/*
 * Unescapes as make does: of the backslashes before a character in `known`,
 * half are kept, rounded down.
 */
static void unescape(const char *from, const char *known, struct buf *to)
{
	while (*from) {
		size_t n = strspn(from, "\\"), kept = n;

		if (from[n] && strchr(known, from[n])) {
			if (n % 2 == 0)
				abort();	/* make takes the character as special */
			kept = n / 2;
		}
		buf_add(to, from, kept);
		from += n;
		if (*from)
			buf_add(to, from++, 1);
	}
}

static char *written(const char *path, enum make_path_side side)
{
	struct buf b = { 0 };

	if (make_path_add(&b, path, side))
		return buf_str(&b);
	if (b.len)
		abort();
	buf_release(&b);
	return NULL;
}

/*
 * Returns the path as a rule has it: in the working directory, the name alone,
 * unless it begins with "~".
 */
static const char *shortened(const char *path)
{
	const char *name = path + strlen(fuzz_folder()) + 1;

	return *name == '~' ? path : name;
}

static void check_model(const char *path, const char *text, const char *known)
{
	struct buf expanded = { 0 }, read = { 0 };

	expand(text, &expanded);
	unescape(buf_str(&expanded), known, &read);
	if (strcmp(buf_str(&read), shortened(path)))
		abort();
	buf_release(&expanded);
	buf_release(&read);
}

/*
 * Checks with make itself, which prints both sides of a rule as it read them.
 * The file has to exist, because make leaves the backslashes in a name whose
 * escaped wildcards match nothing.
 */
static void check_make(const char *path, const char *target, const char *prerequisite)
{
	struct buf file = { 0 }, expected = { 0 }, got = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FILE *make;

	buf_addf(&file, "fuzz-all: %s\n\t@: $(info $<)\n%s: fuzz-always\n\t@: $(info $@)\nfuzz-always:\n",
		 prerequisite, target);
	path = shortened(path);
	buf_addf(&expected, "%s\n%s\n", path, path);
	fuzz_file("Makefile", file.p, file.len);
	make = popen("env -u MAKEFLAGS -u MAKELEVEL make -rR -f Makefile fuzz-all 2>&1", "r");
	if (!make || buf_read_fd(&got, fileno(make)) || pclose(make) ||
	    strcmp(buf_str(&got), buf_str(&expected))) {
		fprintf(stderr, "make read %s", buf_str(&got));
		abort();
	}
	unlink(path);
	close(fd);
	buf_release(&file);
	buf_release(&expected);
	buf_release(&got);
}

void fuzz(const uint8_t *data, size_t size)
{
	static unsigned int nr;
	char path[PATH_MAX], *target, *prerequisite;

	if (!size || size > NAME_MAX || memchr(data, 0, size) || memchr(data, '/', size))
		return;
	snprintf(path, sizeof(path), "%s/%.*s", fuzz_folder(), (int)size, (const char *)data);
	target = written(path, MAKE_TARGET);
	prerequisite = written(path, MAKE_PREREQUISITE);
	if (!target != !prerequisite)
		abort();
	if (target) {
		if (strpbrk(target, "\v\f"))
			abort();	/* make takes them for blanks */
		if (target[strlen(target) - 1] == '&')
			abort();	/* "&:" begins the prerequisites of grouped targets */
		check_model(path, target, " #:*?[;\t%");
		check_model(path, prerequisite, " #:*?[;\t|");
		if (nr++ % MAKE_INTERVAL == 0)
			check_make(path, target, prerequisite);
	}
	free(target);
	free(prerequisite);
}
