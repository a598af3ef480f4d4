/* SPDX-License-Identifier: GPL-2.0-only */
/* The runner's directories, paths, and files written whole or not at all. */
#ifndef RUNNER_BASE_FILES_H
#define RUNNER_BASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "runner/base/err.h"

/*
 * The output folder: the parent of the runner's own directory (out/ for
 * out/bin/provium).  For the runner of an installed kit, $PROVIUM_OUT or a
 * folder of the user's (mk/config.mk has the same).  Static.
 */
const char *files_home(void);
/*
 * The folder with the kit's makefiles.  It need not exist: a runner that was
 * copied has none.  Static.
 */
const char *files_kit(void);
/*
 * The directory for logs and probe results: files_home() if it is writable,
 * else the user's cache directory.  Static.
 */
const char *files_state(void);
/*
 * The user's cache directory: in $XDG_CACHE_HOME or $HOME, else in the home
 * that the user database names.  Never in a directory that others can write to,
 * such as /tmp.  Caller frees.
 */
char *files_cache(void);
/* dir/name, or name if it is absolute.  Caller frees. */
char *files_join(const char *dir, const char *name);
/* The directory part of a path, or ".".  Caller frees. */
char *files_dirname(const char *path);
bool files_exist(const char *path);
/* Creates the directory and its parents.  0 or -errno. */
int files_mkdirs(const char *path);
/* Removes a folder and the files in it.  0 or -errno. */
int files_remove_folder(int parent_fd, const char *folder);
/*
 * Opens the file for appending, creating it if need be, and waits for an
 * exclusive lock on it (flock(2)), which ends when the descriptor is closed.
 * interruptible: returns -EINTR after a signal (interrupt.h) instead of waiting
 * on.  The descriptor, or -errno.
 */
int files_lock(const char *path, bool interruptible);
/* Is the modification time a later than b? */
bool files_newer(struct timespec a, struct timespec b);
/* write(2) until all n bytes are written.  0 or -errno. */
int files_write_all(int fd, const void *p, size_t n);
/*
 * Replaces the file's content in one step: a reader sees the whole old content
 * or the whole new content.  0 or -errno with err filled.
 */
int files_write(const char *path, const void *p, size_t n, struct err *err);
/*
 * Returns path, size, mtime and inode as text, which differs if the file has
 * changed.  Caller frees.
 */
char *files_identity(const char *path);
/*
 * Returns the path of the program that execvp(name) would run, or NULL.  Caller
 * frees.
 */
char *files_in_path(const char *name);

#endif
