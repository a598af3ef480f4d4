/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads, compares and writes files, for the copy of a module's folder. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mk/mirror/mirror.h"

char *text(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	if (vasprintf(&s, format, args) < 0)
		fail(format);
	va_end(args);
	return s;
}

void fail(const char *path)
{
	fprintf(stderr, "mirror: %s: %s\n", path, strerror(errno));
	exit(1);
}

bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *content = NULL;
	size_t room = 0, n = 0;

	if (!f)
		return NULL;
	do {
		if (room - n < 4096) {
			room = 2 * room + 8192;
			content = realloc(content, room);
			if (!content)
				fail(path);
		}
		n += fread(content + n, 1, room - n - 1, f);
	} while (!feof(f) && !ferror(f));
	content[n] = '\0';
	fclose(f);
	return content;
}

void write_text(const char *path, const char *content)
{
	char *old = read_text(path);
	FILE *f;

	if (!old || strcmp(old, content) != 0) {
		f = fopen(path, "we");
		if (!f || fputs(content, f) < 0 || fclose(f))
			fail(path);
	}
	free(old);
}

/* Reads until the buffer is full or the file ends.  Returns -1 on errors. */
static ssize_t read_full(int fd, char *buf, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n < room) {
		got = read(fd, buf + n, room - n);
		if (got < 0)
			return -1;
		if (!got)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

bool is_same(const char *a, const char *b)
{
	static char buf_a[65536], buf_b[65536];
	int fd_a = open(a, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int fd_b = open(b, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	ssize_t n_a, n_b;
	bool same = fd_a >= 0 && fd_b >= 0;

	while (same) {
		n_a = read_full(fd_a, buf_a, sizeof(buf_a));
		n_b = read_full(fd_b, buf_b, sizeof(buf_b));
		same = n_a >= 0 && n_a == n_b && memcmp(buf_a, buf_b, (size_t)n_a) == 0;
		if (n_a <= 0)
			break;
	}
	if (fd_a >= 0)
		close(fd_a);
	if (fd_b >= 0)
		close(fd_b);
	return same;
}

static void write_full(int fd, const char *buf, size_t n, const char *path)
{
	while (n) {
		ssize_t done = write(fd, buf, n);

		if (done < 0)
			fail(path);
		buf += done;
		n -= (size_t)done;
	}
}

bool copy_file(const char *from, const char *to, mode_t mode)
{
	static char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 0;
	int out;

	if (in < 0)
		return false;
	remove_all(to);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		fail(to);
	while ((n = read_full(in, buf, sizeof(buf))) > 0)
		write_full(out, buf, (size_t)n, to);
	if (fchmod(out, (mode & 0777) | 0600) || close(out))
		fail(to);
	close(in);
	if (n < 0)
		unlink(to);
	return n == 0;
}

void copy_link(const char *target, const char *to)
{
	remove_all(to);
	if (symlink(target, to))
		fail(to);
}

/* Makes one folder, unless it is there. */
static void make_folder(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return;
		remove_all(path);
	}
	if (mkdir(path, 0777) && errno != EEXIST)
		fail(path);
}

void make_folders(const char *top, const char *path)
{
	char *copy = text("%s%s", top, path);

	for (char *p = copy + strlen(top); (p = strchr(p + (*p == '/'), '/'));) {
		*p = '\0';
		make_folder(copy);
		*p = '/';
	}
	make_folder(copy);
	free(copy);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void remove_all(const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return;
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
