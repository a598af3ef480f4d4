// SPDX-License-Identifier: GPL-2.0-only
/* Watches folders and files; see folders.h. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/watch/folders.h"

/*
 * IN_MODIFY: a program can save and leave the file open.  IN_ATTRIB: a new
 * date.  IN_CREATE: a new folder, or a link to what was written elsewhere.
 */
#define EVENTS (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | \
		IN_MOVED_TO)

/* A watched folder. */
struct folder {
	char *path;
	bool all;			/* every entry counts, not only those in names */
	uint32_t scanned;		/* the scan that has gone through it */
	char **names;
	size_t nr_names;
};

int folders_open(struct folders *f, struct err *err)
{
	*f = (struct folders){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	if (f->fd >= 0)
		return 0;
	return err_set(err, ERR_USER, -errno, "inotify cannot be used: %s%s", strerror(errno),
		       errno == EMFILE ? "; end other programs that watch files, or raise the "
		       "limit as root: sysctl fs.inotify.max_user_instances=1024" : "");
}

static void forget(struct folders *f, size_t wd)
{
	struct folder *folder = f->by_wd[wd];

	f->by_wd[wd] = NULL;
	for (size_t i = 0; i < folder->nr_names; i++)
		free(folder->names[i]);
	free(folder->names);
	free(folder->path);
	free(folder);
}

static void free_strings(char **list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i]);
	free(list);
}

void folders_release(struct folders *f)
{
	for (size_t wd = 0; wd < f->nr; wd++)
		if (f->by_wd[wd])
			forget(f, wd);
	free(f->by_wd);
	free_strings(f->roots, f->nr_roots);
	free_strings(f->excluded, f->nr_excluded);
	free(f->changed);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct folders){ .fd = -1 };
}

static void add_string(char ***list, size_t *nr, char *string)
{
	*list = xreallocarray(*list, *nr + 1, sizeof(**list));
	(*list)[(*nr)++] = string;
}

static bool has_string(char *const *list, size_t nr, const char *string)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(list[i], string))
			return true;
	return false;
}

void folders_exclude(struct folders *f, const char *path)
{
	char *real = realpath(path, NULL);

	if (real)
		add_string(&f->excluded, &f->nr_excluded, real);
}

bool folders_ignore(const char *name)
{
	size_t n = strlen(name);

	return name[0] == '.' || name[0] == '#' || name[n - 1] == '~' || !strcmp(name, "4913") ||
	       (n > 4 && (!strcmp(name + n - 4, ".swp") || !strcmp(name + n - 4, ".swx")));
}

/*
 * Watches one folder.  Returns it in *found, or NULL if there is none that can
 * be read.  0, or -errno with err filled.
 */
static int watch(struct folders *f, const char *path, struct folder **found, struct err *err)
{
	int wd = inotify_add_watch(f->fd, path, EVENTS | IN_ONLYDIR | IN_EXCL_UNLINK);
	struct buf limit = { 0 };
	size_t nr = 0;

	*found = NULL;
	if (wd < 0 && errno == ENOSPC) {
		for (size_t i = 0; i < f->nr; i++)
			nr += f->by_wd[i] != NULL;
		buf_read_file(&limit, "/proc/sys/fs/inotify/max_user_watches");
		err_set(err, ERR_USER, -ENOSPC, "%s: this folder cannot be watched: %zu others are, "
			"and the limit for all programs of this user is reached "
			"(fs.inotify.max_user_watches is %d); raise it as root: "
			"sysctl fs.inotify.max_user_watches=524288", path, nr,
			atoi(buf_str(&limit)));
		buf_release(&limit);
		return -ENOSPC;
	}
	if (wd < 0)
		return 0;
	for (; f->nr <= (size_t)wd; f->nr++) {
		f->by_wd = xreallocarray(f->by_wd, f->nr + 1, sizeof(*f->by_wd));
		f->by_wd[f->nr] = NULL;
	}
	*found = f->by_wd[wd];
	if (!*found)
		*found = f->by_wd[wd] = xcalloc(1, sizeof(**found));
	free((*found)->path);		/* it can have been renamed */
	(*found)->path = xstrdup(path);
	return 0;
}

/*
 * In each folder above the path, watches the name that leads to it, so that it
 * is noticed if a folder is removed and made again.  Returns 1 if the last name
 * was not watched before, else 0; or -errno with err filled.
 */
static int watch_way(struct folders *f, const char *path, struct err *err)
{
	char *folder = xstrdup(path), *name;
	struct folder *found;
	int ret = 0, is_new = 0;

	for (bool last = true; !ret && (name = strrchr(folder, '/')) && name[1]; last = false) {
		*name++ = 0;
		ret = watch(f, *folder ? folder : "/", &found, err);
		if (found && found->all && !folders_ignore(name))
			break;		/* so is the way to this folder */
		if (ret || !found || has_string(found->names, found->nr_names, name))
			continue;
		is_new |= last;
		add_string(&found->names, &found->nr_names, xstrdup(name));
	}
	free(folder);
	return ret ? ret : is_new;
}

static int scan(struct folders *f, const char *path, struct err *err);

/* Is it a folder of the system's, which has no sources of the user's? */
static bool is_system(const char *path)
{
	static const char *const tops[] = {
		"/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr",
	};

	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		if (!strncmp(path, tops[i], strlen(tops[i])) &&
		    (!path[strlen(tops[i])] || path[strlen(tops[i])] == '/'))
			return true;
	return !strcmp(path, "/");
}

/* Watches where a symbolic link leads. */
static int follow(struct folders *f, const char *link, struct err *err)
{
	char *real = realpath(link, NULL);
	struct stat st;
	int ret = 0;

	if (real && !is_system(real) && !stat(real, &st)) {
		ret = watch_way(f, real, err);
		if (ret >= 0 && S_ISDIR(st.st_mode))
			ret = scan(f, real, err);
	}
	free(real);
	return ret < 0 ? ret : 0;
}

static int scan_entry(struct folders *f, const char *folder, const struct dirent *entry,
		      struct err *err)
{
	char *path;
	struct stat st;
	int ret = 0;

	if (folders_ignore(entry->d_name) ||
	    (entry->d_type != DT_DIR && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN))
		return 0;
	path = files_join(folder, entry->d_name);
	if (lstat(path, &st))
		;		/* has been removed */
	else if (S_ISLNK(st.st_mode))
		ret = follow(f, path, err);
	else if (S_ISDIR(st.st_mode) && !has_string(f->excluded, f->nr_excluded, path))
		ret = scan(f, path, err);
	free(path);
	return ret;
}

/*
 * Watches the folder and all that is below it.  It is watched before it is
 * read, so that no new folder is missed.  0 or -errno with err filled.
 */
static int scan(struct folders *f, const char *path, struct err *err)
{
	struct folder *folder;
	struct dirent *entry;
	int ret = watch(f, path, &folder, err);
	DIR *dir;

	if (ret || !folder || folder->scanned == f->scan)
		return ret;	/* scanned already: a link leads back to it */
	folder->scanned = f->scan;
	folder->all = true;
	dir = opendir(path);
	while (dir && !ret && (entry = readdir(dir)))
		ret = scan_entry(f, path, entry, err);
	if (dir)
		closedir(dir);
	return ret;
}

/* Watches the root with all that is below it. */
static int add_root(struct folders *f, const char *root, struct err *err)
{
	int ret = watch_way(f, root, err);

	return ret < 0 ? ret : scan(f, root, err);
}

int folders_add(struct folders *f, const char *path, struct err *err)
{
	char *real = realpath(path, NULL);

	add_string(&f->roots, &f->nr_roots, real ? real : xstrdup(path));
	f->scan++;
	return add_root(f, f->roots[f->nr_roots - 1], err);
}

int folders_add_entries(struct folders *f, const char *path, struct err *err)
{
	struct folder *folder;
	int ret = watch_way(f, path, err), is_new = 0;

	if (ret >= 0)
		ret = watch(f, path, &folder, err);
	if (!ret && folder) {
		is_new = !folder->all;
		folder->all = true;
	}
	return ret ? ret : is_new;
}

int folders_add_file(struct folders *f, const char *path, struct err *err)
{
	return watch_way(f, path, err);
}

/*
 * Notes that this has changed.  The last one is kept: an editor can write
 * another file first, which it renames.
 */
static void note(struct folders *f, const char *folder, const char *name)
{
	free(f->changed);
	f->changed = files_join(folder, name);
}

/* Is it a folder or a link?  Then there can be folders that are not watched. */
static bool leads_on(const char *folder, const char *name)
{
	char *path = files_join(folder, name);
	struct stat st;
	bool leads = !lstat(path, &st) && (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));

	free(path);
	return leads;
}

static bool counts(const struct folders *f, const struct folder *folder, const char *name)
{
	char *path;
	bool excluded;

	if (has_string(folder->names, folder->nr_names, name))
		return true;
	if (!folder->all || folders_ignore(name))
		return false;
	path = files_join(folder->path, name);
	excluded = has_string(f->excluded, f->nr_excluded, path);
	free(path);
	return !excluded;
}

/*
 * Handles one event.  Returns whether there can be folders that are not
 * watched.
 */
static bool handle(struct folders *f, const struct inotify_event *e)
{
	struct folder *folder = e->wd >= 0 && (size_t)e->wd < f->nr ? f->by_wd[e->wd] : NULL;

	if (e->mask & IN_Q_OVERFLOW) {
		note(f, f->roots[0], "");
		return true;
	}
	if (folder && e->mask & IN_IGNORED)
		forget(f, (size_t)e->wd);	/* the folder was removed */
	else if (folder && e->len && counts(f, folder, e->name)) {
		note(f, folder->path, e->name);
		return e->mask & (IN_CREATE | IN_MOVED_TO) && leads_on(folder->path, e->name);
	}
	return false;
}

int folders_read(struct folders *f, struct err *err)
{
	char buf[65536] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool rescan = false;
	int ret = 0;
	ssize_t n;

	while ((n = read(f->fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;

			rescan |= handle(f, e);
			p += sizeof(*e) + e->len;
		}
	f->scan++;
	for (size_t i = 0; rescan && !ret && i < f->nr_roots; i++)
		ret = add_root(f, f->roots[i], err);
	return ret;
}
