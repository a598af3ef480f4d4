/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage: mirror [-an] [-x FOLDER]... TREE STATE FOLDER
 *
 * Brings the copy of the module's folder in TREE up to date.
 *
 * -a		copies no relatives
 * -n		leaves large folders and files out. It makes links to them else,
 *		if the kernel has Landlock, by which the build cannot write there
 * -x FOLDER	does not copy this folder
 *
 * TREE and STATE are made if they are not there.  STATE/changed gets a new date
 * if anything was changed but Lua files in tests/.  Everything else in STATE is
 * the program's own.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mk/confine/landlock.h"
#include "mk/mirror/mirror.h"

static char *real(const char *path)
{
	char *found = realpath(path, NULL);

	if (!found)
		fail(path);
	return found;
}

static char *make_folder(char *path)
{
	for (char *slash = path; (slash = strchr(slash + 1, '/')); *slash = '/') {
		*slash = '\0';
		mkdir(path, 0777);
	}
	mkdir(path, 0777);
	return real(path);
}

/* Two makes may copy the same module. The lock ends with the program. */
static void lock(const char *state)
{
	char *file = text("%s/.lock", state);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0 || flock(fd, LOCK_EX))
		fail(file);
	free(file);
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0 || futimens(fd, NULL) || close(fd))
		fail(path);
}

/*
 * Takes the mentions (paths that sources name outside of the module) of the
 * last run, because a source that has not changed is not searched again.  In
 * the list of copied files they have a mark before the path: the list can have
 * the path itself, too.
 */
static void load_mentions(struct mirror *m)
{
	for (size_t i = 0; i < m->before.nr; i++)
		if (!strcmp(m->before.entries[i].key, ".."))
			mention_add(m, m->before.entries[i].path + 1);
}

static void note_mentions(struct mirror *m)
{
	for (size_t i = 0; i < m->mentions.nr; i++) {
		char *marked = text("@%s", m->mentions.entries[i].path);

		mirror_note(m, marked, "..");
		free(marked);
	}
}

static void update(struct mirror *m)
{
	char *file = text("%s/files", m->state), *changed = text("%s/changed", m->state);

	list_read(&m->before, file);
	load_mentions(m);
	git_find(m);
	walk_copy(m);
	git_copy(m);
	note_mentions(m);
	walk_remove(m);
	if (access(changed, F_OK))
		m->changed = true;
	if (m->changed)
		touch(changed);
	if (m->changed || m->tests_changed)
		list_write(&m->now, file);
	free(file);
	free(changed);
}

static int usage(void)
{
	fprintf(stderr, "usage: mirror [-an] [-x FOLDER]... TREE STATE FOLDER\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct mirror m = { .no_links = landlock_version() < 1 };
	int option;

	while ((option = getopt(argc, argv, "anx:")) != -1) {
		if (option == 'a')
			m.alone = true;
		else if (option == 'n')
			m.no_links = true;
		else if (option == 'x' && m.nr_excluded < sizeof(m.excluded) / sizeof(*m.excluded))
			m.excluded[m.nr_excluded++] = real(optarg);
		else
			return usage();
	}
	if (argc - optind != 3)
		return usage();
	m.tree = make_folder(argv[optind]);
	m.state = make_folder(argv[optind + 1]);
	m.module = real(argv[optind + 2]);
	lock(m.state);
	update(&m);
	return 0;
}
