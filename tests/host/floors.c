// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner's rooms stand on floors: a folder includes only those below it.
 * Runs at the top of the tree, as make does.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "tests/host/lib/tap.h"

/* From the ground up; folders of one floor stand in one row, between blanks. */
static const char *const floors[] = {
	" wire base ", " qemu gate machine complaint ", " vm ", " probe ", " fixture ",
	" report lua ", " bind ", " make ", " run ", " cmd ",
};

#define NR_FLOORS ((int)(sizeof(floors) / sizeof(floors[0])))

static int floor_of(const char *folder)
{
	char word[80];

	snprintf(word, sizeof(word), " %s ", folder);
	for (int i = 0; i < NR_FLOORS; i++)
		if (strstr(floors[i], word))
			return i;
	return -1;
}

/* The floor of an #include "…" line; -1: not one of ours, or the top's. */
static int included(const char *line, char *folder)
{
	if (sscanf(line, "#include \"runner/%63[^/\"]/", folder) == 1 ||
	    sscanf(line, "#include \"agent/%63[^/\"]/", folder) == 1)
		return floor_of(folder);
	return -1;
}

static unsigned int check_file(const char *path, const char *own)
{
	struct buf b = { 0 };
	char folder[64], *text;
	unsigned int bad = 0;

	if (buf_read_file(&b, path))
		return 1;
	text = buf_str(&b);
	for (char *line; (line = strsep(&text, "\n"));) {
		int floor = included(line, folder);

		if (floor >= 0 && strcmp(folder, own) && floor >= floor_of(own)) {
			note("%s: %s", path, line);
			bad++;
		}
	}
	buf_release(&b);
	return bad;
}

int main(void)
{
	glob_t found;

	if (!ok(!glob("runner/*/*.[ch]", 0, NULL, &found), "files to look at"))
		return done();
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char own[64];

		if (sscanf(found.gl_pathv[i], "runner/%63[^/]/", own) != 1 ||
		    !ok(floor_of(own) >= 0, "%s has a floor", found.gl_pathv[i]))
			continue;
		ok(!check_file(found.gl_pathv[i], own), "%s includes only what is below",
		   found.gl_pathv[i]);
	}
	globfree(&found);
	return done();
}
