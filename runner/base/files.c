// SPDX-License-Identifier: GPL-2.0-only
/* Paths, directories, and files that are written whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"

/* The parent of the runner's own directory. */
static const char *parent(void)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (*path)
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	for (int up = 0; up < 2; up++)
		if (strrchr(path, '/'))
			*strrchr(path, '/') = 0;
	return path;
}

/* "make install" puts bin/provium beside the makefiles. */
static bool is_installed(void)
{
	char *makefiles = files_join(parent(), "mk/test.mk");
	bool installed = files_exist(makefiles);

	free(makefiles);
	return installed;
}

static char *home_of_user(void)
{
	const char *out = getenv("PROVIUM_OUT");
	char *cache, *home;

	if (out && *out)
		return xstrdup(out);
	cache = files_cache();
	home = files_join(cache, "out");
	free(cache);
	return home;
}

const char *files_home(void)
{
	static const char *home;

	if (!home)
		home = is_installed() ? home_of_user() : parent();
	return home;
}

const char *files_kit(void)
{
	static const char *kit;

	if (!kit)
		kit = is_installed() ? parent() : files_join(parent(), "kit");
	return kit;
}

char *files_cache(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const struct passwd *user;

	if (cache && *cache)
		return files_join(cache, "provium");
	if (!home || !*home) {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : "";
	}
	return xasprintf("%s/.cache/provium", home);
}

const char *files_state(void)
{
	static char *state;

	if (!state)
		state = access(files_home(), W_OK) ? files_cache() :
						     xstrdup(files_home());
	return state;
}

char *files_join(const char *dir, const char *name)
{
	return *name == '/' ? xstrdup(name) : xasprintf("%s/%s", dir, name);
}

char *files_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xasprintf("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

bool files_exist(const char *path)
{
	return !access(path, F_OK);
}

int files_mkdirs(const char *path)
{
	char *copy = xstrdup(path);
	int ret = 0;

	for (char *at = copy + 1; !ret && *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		if (mkdir(copy, 0777) && errno != EEXIST)
			ret = -errno;
		*at = '/';
	}
	if (!ret && mkdir(copy, 0777) && errno != EEXIST)
		ret = -errno;
	free(copy);
	return ret;
}

int files_remove_folder(int parent_fd, const char *folder)
{
	int fd = openat(parent_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *ent;

	while (dir && (ent = readdir(dir)))
		unlinkat(dirfd(dir), ent->d_name, 0);
	if (dir)
		closedir(dir);
	return unlinkat(parent_fd, folder, AT_REMOVEDIR) ? -errno : 0;
}

int files_lock(const char *path, bool interruptible)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666), ret;

	if (fd < 0)
		return -errno;
	do
		ret = flock(fd, LOCK_EX) ? -errno : 0;
	while (ret == -EINTR && !(interruptible && interrupt_pending()));
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

bool files_newer(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

int files_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			at += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int files_write(const char *path, const void *p, size_t n, struct err *err)
{
	char *tmp = xasprintf("%s.%d.tmp", path, getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int ret = fd < 0 ? -errno : files_write_all(fd, p, n);

	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret) {
		unlink(tmp);
		err_set(err, ERR_BROKEN, ret, "cannot write %s: %s%s", path,
			strerror(-ret), err_limit_advice(-ret));
	}
	free(tmp);
	return ret;
}

char *files_identity(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return xasprintf("%s absent", path);
	return xasprintf("%s %lld %lld.%09ld %llu", path, (long long)st.st_size,
			 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 (unsigned long long)st.st_ino);
}

char *files_in_path(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = xstrdup(path ? path : "/usr/bin:/bin"), *save = NULL;
	char *found = NULL;

	if (strchr(name, '/'))
		found = access(name, X_OK) ? NULL : xstrdup(name);
	for (char *dir = strtok_r(copy, ":", &save);
	     dir && !found && !strchr(name, '/');
	     dir = strtok_r(NULL, ":", &save)) {
		found = files_join(dir, name);
		if (access(found, X_OK)) {
			free(found);
			found = NULL;
		}
	}
	free(copy);
	return found;
}
