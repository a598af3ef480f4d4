/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of what was copied: records "KEY\0PATH\0" in a file. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mk/mirror/mirror.h"

void list_add(struct list *l, const char *path, const char *key)
{
	if (l->nr == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->entries = realloc(l->entries, l->room * sizeof(*l->entries));
		if (!l->entries)
			fail(path);
	}
	l->entries[l->nr++] = (struct entry){ text("%s", path), text("%s", key), false };
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

/* Reads up to a zero byte.  Returns false at the file's end. */
static bool read_string(FILE *f, char **string, size_t *room)
{
	return getdelim(string, room, '\0', f) > 0;
}

void list_read(struct list *l, const char *file)
{
	FILE *f = fopen(file, "re");
	char *key = NULL, *path = NULL;
	size_t key_room = 0, path_room = 0;

	if (!f)
		return;
	while (read_string(f, &key, &key_room) && read_string(f, &path, &path_room))
		list_add(l, path, key);
	free(key);
	free(path);
	fclose(f);
	if (l->nr)
		qsort(l->entries, l->nr, sizeof(*l->entries), by_path);
}

void list_write(const struct list *l, const char *file)
{
	char *new = text("%s.new", file);
	FILE *f = fopen(new, "we");

	if (!f)
		fail(new);
	for (size_t i = 0; i < l->nr; i++) {
		fprintf(f, "%s%c", l->entries[i].key, 0);
		fprintf(f, "%s%c", l->entries[i].path, 0);
	}
	if (fclose(f) || rename(new, file))
		fail(new);
	free(new);
}

struct entry *list_find(const struct list *l, const char *path)
{
	struct entry wanted = { .path = (char *)path };

	if (!l->nr)
		return NULL;
	return bsearch(&wanted, l->entries, l->nr, sizeof(wanted), by_path);
}

bool mirror_note(struct mirror *m, const char *path, const char *key)
{
	struct entry *old = list_find(&m->before, path);

	list_add(&m->now, path, key);
	if (!old)
		return false;
	old->seen = true;
	return strcmp(old->key, key) == 0;
}
