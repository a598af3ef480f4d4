/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which files are copied, and how.
 *
 *	files		are copied
 *	links		stay links; the folder that a link leads to is a
 *			relative, unless it is one of the system's; a link to a
 *			file that is not copied becomes a copy of the file
 *	large folders	(a kernel tree) become links to the source; -n: left out
 *	what kbuild made in the source, .git, devices: left out
 *
 * The relatives of a module are the other files of its repository, and what its
 * sources mention behind "../" outside of the repository (mention.c).
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mk/mirror/mirror.h"

/* A folder with more entries is linked. A kernel tree has 70,000 or more. */
#define LARGE_FOLDER	30000
/* A larger file (in bytes) beside the module's folder is linked. */
#define LARGE_FILE	(16 << 20)
/* A file that changes twice in this time may keep its dates. */
#define CLOCK_GRAIN_NS	50000000

/* An entry of the module's folder, one beside it, and what is below these. */
enum part { OWN, RELATIVE, BELOW_OWN, BELOW_RELATIVE };

static void take(struct mirror *m, const char *path, enum part part);

static char *in_copy(const struct mirror *m, const char *path)
{
	return text("%s%s", m->tree, path);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

/* Did a build of kbuild in the source leave this file there? */
static bool is_product(const char *folder, const char *name)
{
	static const char *const ends[] = { ".o", ".a", ".ko", ".mod", ".symvers", ".order" };
	char *command;
	bool product = false;

	if ((name[0] == '.' && ends_with(name, ".cmd")) || ends_with(name, ".mod.c"))
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends) && !product; i++) {
		if (!ends_with(name, ends[i]))
			continue;
		command = text("%s/.%s.cmd", folder, name);
		product = access(command, F_OK) == 0;
		free(command);
	}
	return product;
}

static bool is_left_out(const struct mirror *m, const char *folder, const char *name,
			const char *path)
{
	if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, ".git"))
		return true;
	for (size_t i = 0; i < m->nr_excluded; i++)
		if (!strcmp(path, m->excluded[i]))
			return true;
	return is_product(folder, name);
}

/* Counts the entries below the folder, up to one more than `most`. */
static size_t count(const char *folder, size_t most)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t n = 0;
	char *path;

	while (dir && n <= most && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		n++;
		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".git"))
			continue;
		path = text("%s/%s", folder, entry->d_name);
		n += count(path, most - n);
		free(path);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Calls take() for each entry of the folder. */
static void walk(struct mirror *m, const char *folder, enum part part)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char *path;

	while (dir && (entry = readdir(dir))) {
		path = text("%s/%s", strcmp(folder, "/") ? folder : "", entry->d_name);
		if (!is_left_out(m, folder, entry->d_name, path))
			take(m, path, part);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* Is the target of a link among the files that are copied? */
static bool is_copied(const struct mirror *m, const char *path)
{
	return is_below(path, m->repository ? m->repository : m->module);
}

/*
 * Makes the link in the copy.  If a folder is in its place, that is the copy of
 * another module, and stays.
 */
static void keep_link(struct mirror *m, const char *path, const char *target)
{
	char *key = text("l %s", target), *to = in_copy(m, path);
	char is[PATH_MAX];
	ssize_t n = readlink(to, is, sizeof(is) - 1);
	struct stat st;

	is[n > 0 ? n : 0] = '\0';
	if (!mirror_note(m, path, key))
		m->changed = true;
	if (strcmp(is, target) != 0 && !(lstat(to, &st) == 0 && S_ISDIR(st.st_mode)))
		copy_link(target, to);
	free(key);
	free(to);
}

/*
 * The key of a file: its size, dates, inode and mode.  A file that changed just
 * now might change again without another date, so it has no key.
 */
static char *file_key(const struct stat *st)
{
	struct timespec now;
	long long age_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	age_ns = (now.tv_sec - st->st_ctim.tv_sec) * 1000000000LL +
		 now.tv_nsec - st->st_ctim.tv_nsec;
	if (age_ns >= 0 && age_ns < CLOCK_GRAIN_NS)
		return text("f new");
	return text("f %lld %lld.%09ld %lld.%09ld %llu %o", (long long)st->st_size,
		    (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		    (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
		    (unsigned long long)st->st_ino, st->st_mode);
}

/*
 * Notes that the copy of the file changes.  The Lua files in the module's
 * tests/ are Provium's: the build goes without them.
 */
static void note_change(struct mirror *m, const char *path)
{
	char *tests = text("%s/tests", m->module);
	const char *dot = strrchr(path, '.');

	if (dot && !strcmp(dot, ".lua") && is_below(path, tests))
		m->tests_changed = true;
	else
		m->changed = true;
	free(tests);
}

/* Copies the file if it has changed.  path may be a link to the file. */
static void keep_file(struct mirror *m, const char *path, const struct stat *st)
{
	char *key = file_key(st), *to = in_copy(m, path);
	bool same = mirror_note(m, path, key) && strcmp(key, "f new") != 0;
	struct stat copy;

	if (!same) {
		note_change(m, path);
		mention_scan(m, path);
	}
	if (lstat(to, &copy) || (!same && !(S_ISREG(copy.st_mode) && is_same(path, to)))) {
		note_change(m, path);
		if (!copy_file(path, to, st->st_mode))
			fprintf(stderr, "mirror: %s: cannot be read: left out\n", path);
	}
	free(key);
	free(to);
}

/* Is it one of the system's folders, which are no part of a project? */
static bool is_system(const char *path)
{
	static const char *const tops[] = {
		"/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr",
	};

	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		if (is_below(path, tops[i]))
			return true;
	return false;
}

static void take_link(struct mirror *m, const char *path)
{
	char target[PATH_MAX], real[PATH_MAX], *moved;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	struct stat st;

	if (n < 0)
		return;
	target[n] = '\0';
	if (!realpath(path, real) || stat(real, &st)) {
		keep_link(m, path, target);
		return;
	}
	if (!is_copied(m, real) && S_ISREG(st.st_mode)) {
		keep_file(m, path, &st);
		return;
	}
	if (is_system(real)) {
		keep_link(m, path, real);
		return;
	}
	if (!is_copied(m, real) && !is_below(m->module, real))
		mention_add(m, real);
	moved = target[0] == '/' ? in_copy(m, real) : text("%s", target);
	keep_link(m, path, moved);
	free(moved);
}

/* Is the folder too large for a copy?  All relatives share one limit. */
static bool is_large(struct mirror *m, const char *path, enum part part)
{
	size_t most = LARGE_FOLDER - (part == RELATIVE ? m->relatives : 0);
	size_t n = count(path, most);

	if (part == RELATIVE && n <= most)
		m->relatives += n;
	return n > most;
}

/*
 * A build that writes through the link would change the user's file, unless it
 * is confined (mk/confine/).
 */
static void link_large(struct mirror *m, const char *path)
{
	if (!m->no_links)
		keep_link(m, path, path);
	else
		fprintf(stderr, "mirror: %s: left out: it is too large for a copy, and on a kernel "
			"without Landlock a build could write into it\n", path);
}

static void take_folder(struct mirror *m, const char *path, enum part part)
{
	if (part < BELOW_OWN && is_large(m, path, part)) {
		link_large(m, path);
		return;
	}
	if (!mirror_note(m, path, "d"))
		m->changed = true;
	make_folders(m->tree, path);
	walk(m, path, part < BELOW_OWN ? part + (BELOW_OWN - OWN) : part);
}

static void take(struct mirror *m, const char *path, enum part part)
{
	struct stat st;

	if (lstat(path, &st))
		return;
	if (S_ISDIR(st.st_mode))
		take_folder(m, path, part);
	else if (S_ISLNK(st.st_mode))
		take_link(m, path);
	else if (S_ISREG(st.st_mode) && part != OWN && part != BELOW_OWN &&
		 st.st_size > LARGE_FILE)
		link_large(m, path);
	else if (S_ISREG(st.st_mode))
		keep_file(m, path, &st);
}

/* Takes a relative, unless it was taken or contains the module. */
static void take_relative(struct mirror *m, const char *folder, const char *name)
{
	char *path = text("%s/%s", folder, name);
	bool skip = is_below(m->module, path) || is_below(path, m->module) ||
		    is_left_out(m, folder, name, path);

	for (size_t i = 0; i < m->taken.nr && !skip; i++)
		skip = !strcmp(m->taken.entries[i].path, path);
	if (!skip) {
		list_add(&m->taken, path, "");
		make_folders(m->tree, folder);
		take(m, path, RELATIVE);
	}
	free(path);
}

static void take_relatives(struct mirror *m, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		take_relative(m, folder, entry->d_name);
	if (dir)
		closedir(dir);
}

/* Stores the folder N levels above the module.  Returns false at the root. */
static bool above(const struct mirror *m, size_t levels, char *folder)
{
	char *slash;

	strcpy(folder, m->module);
	while (levels--) {
		slash = strrchr(folder, '/');
		if (!slash || slash == folder)
			return false;
		*slash = '\0';
	}
	return true;
}

/*
 * Takes the relatives that sources mention (mention.c).  These can mention
 * others, so the list can grow meanwhile.
 */
static void take_mentioned(struct mirror *m)
{
	char folder[PATH_MAX];

	for (size_t i = 0; i < m->mentions.nr; i++) {
		const char *name = m->mentions.entries[i].path;
		size_t levels = 0;

		if (name[0] == '/') {
			strcpy(folder, name);
			*strrchr(folder, '/') = '\0';
			take_relative(m, folder, strrchr(name, '/') + 1);
			continue;
		}
		for (; !strncmp(name, "../", 3); name += 3)
			levels++;
		if (!above(m, levels, folder))
			continue;
		if (*name)
			take_relative(m, folder, name);
		else if (!m->repository)
			take_relatives(m, folder);
	}
}

void walk_copy(struct mirror *m)
{
	char folder[PATH_MAX];

	make_folders(m->tree, m->module);
	walk(m, m->module, OWN);
	if (m->repository)
		for (size_t n = 1; above(m, n, folder) && is_below(folder, m->repository); n++)
			take_relatives(m, folder);
	take_mentioned(m);
}

/* Removes the copy of the file and the object that kbuild made from it. */
static void remove_copy(const struct mirror *m, const char *path)
{
	char *to = in_copy(m, path), *name = strrchr(to, '/') + 1, *dot = strrchr(name, '.');
	char *other;

	if (rmdir(to))
		unlink(to);
	if (dot && (!strcmp(dot, ".c") || !strcmp(dot, ".S") || !strcmp(dot, ".rs"))) {
		*dot = '\0';
		other = text("%s.o", to);
		unlink(other);
		free(other);
		other = text("%.*s.%s.o.cmd", (int)(name - to), to, name);
		unlink(other);
		free(other);
	}
	free(to);
}

void walk_remove(struct mirror *m)
{
	struct stat st;

	/* Backwards, so that a folder comes after its entries. */
	for (size_t i = m->before.nr; i-- > 0;) {
		struct entry *e = &m->before.entries[i];

		if (e->seen || e->path[0] != '/')
			continue;
		note_change(m, e->path);
		if (lstat(e->path, &st))
			remove_copy(m, e->path);
	}
}
