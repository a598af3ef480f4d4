/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The relatives of a module outside of its repository: the files and folders
 * that its sources mention, as "include" in "-I$(src)/../include", and folders
 * to which a symbolic link leads.
 *
 * Too many names do no harm, since only those that exist are copied.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mk/mirror/mirror.h"

/* A larger file is data, and is not searched. */
#define LARGEST_TEXT	(4 << 20)

enum { SOURCE = 1, MAKEFILE };

static int kind_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!strncmp(name, "Kbuild", 6) || !strncmp(name, "Makefile", 8))
		return MAKEFILE;
	if (!dot)
		return 0;
	if (!strcmp(dot, ".mk") || !strcmp(dot, ".mak"))
		return MAKEFILE;
	return !strcmp(dot, ".c") || !strcmp(dot, ".h") || !strcmp(dot, ".S") ||
	       !strcmp(dot, ".sh") ? SOURCE : 0;
}

void mention_add(struct mirror *m, const char *path)
{
	for (size_t i = 0; i < m->mentions.nr; i++)
		if (!strcmp(m->mentions.entries[i].path, path))
			return;
	list_add(&m->mentions, path, "..");
}

static void add(struct mirror *m, int levels, const char *name, size_t n)
{
	static const char up[] = "../../../../../../../../";
	const int most = (int)(sizeof(up) - 1) / 3;
	char *path;

	if (levels < 1 || levels > most)
		return;
	path = text("%s%.*s", up + 3 * (most - levels), (int)n, name);
	mention_add(m, path);
	free(path);
}

/*
 * Notes the name that stands after `climb` times ".." in a file, `depth`
 * folders below the module's folder.  In a makefile, ".." can start from the
 * module's folder as well as from its own.
 */
static void mention(struct mirror *m, int kind, int climb, int depth, const char *name)
{
	size_t n = strcspn(name, "/\"'<>()$ \t\r\n:;,\\");

	if (n || kind == MAKEFILE)
		add(m, climb - depth, name, n);
	if (n && kind == MAKEFILE)
		add(m, climb, name, n);
}

/*
 * Returns how many folders the file is below the module's; negative: above it.
 */
static int depth_of(const struct mirror *m, const char *path)
{
	int depth = -1;

	for (; *path; path++)
		depth += *path == '/';
	for (const char *p = m->module; *p; p++)
		depth -= *p == '/';
	return depth;
}

void mention_scan(struct mirror *m, const char *path)
{
	int kind = kind_of(strrchr(path, '/') + 1);
	struct stat st;
	char *content, *p;
	int climb;

	if (m->alone || !kind || stat(path, &st) || st.st_size > LARGEST_TEXT)
		return;
	content = read_text(path);
	for (p = content; p && (p = strstr(p, "..")); ) {
		bool begins = p == content || !(isalnum((unsigned char)p[-1]) || p[-1] == '.');

		for (climb = 0; !strncmp(p, "../", 3); p += 3)
			climb++;
		if (!strncmp(p, "..", 2) && p[2] != '.') {
			climb++;
			p += 2;
		} else if (!climb) {
			p += strspn(p, ".");
			continue;
		}
		if (begins)
			mention(m, kind, climb, depth_of(m, path), p);
	}
	free(content);
}
