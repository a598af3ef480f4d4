/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things are on this machine, and writing files so that none is half. */
#ifndef RUNNER_BASE_FILES_H
#define RUNNER_BASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "runner/base/err.h"

/* The folder above the runner's own (out/ for out/bin/provium).  Static. */
const char *files_home(void);
/* Where logs and probe results go: home if it can be written, else the user's
 * cache folder.  Static. */
const char *files_state(void);
/* dir/name, or name when it is absolute.  Caller frees. */
char *files_join(const char *dir, const char *name);
/* The folder part of a path ("." if it has none).  Caller frees. */
char *files_dirname(const char *path);
bool files_exist(const char *path);
/* mkdir -p.  0 or -errno. */
int files_mkdirs(const char *path);
/*
 * Opens the file for appending, creating it if need be, and waits for an
 * exclusive lock on it (flock(2)), which ends when the descriptor is closed.
 * interruptible: returns -EINTR after a signal (interrupt.h) instead of waiting
 * on.  The descriptor, or -errno.
 */
int files_lock(const char *path, bool interruptible);
/* Is modification time a later than b? */
bool files_newer(struct timespec a, struct timespec b);
/* write(2) until all n bytes are written.  0 or -errno. */
int files_write_all(int fd, const void *p, size_t n);
/* Writes beside, then renames.  0 or -errno with err filled. */
int files_write(const char *path, const void *p, size_t n, struct err *err);
/* Size, mtime and inode in one line: changes when the file does.  Caller frees. */
char *files_identity(const char *path);
/* The file that execvp(name) would run, or NULL.  Caller frees. */
char *files_in_path(const char *name);

#endif
