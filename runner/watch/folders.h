/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folders and files of the user's that inotify(7) watches, so that no save
 * after folders_add() is missed: not of a file that is replaced by renaming
 * another one, not in a folder that is new or was removed and made again.
 *
 * Left out are what editors write beside a file, and names that begin with a
 * dot.
 */
#ifndef RUNNER_WATCH_FOLDERS_H
#define RUNNER_WATCH_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"

struct folder;

struct folders {
	int fd;				/* readable when something has happened; -1: closed */
	struct folder **by_wd;		/* by inotify's number of the folder; NULL: none */
	size_t nr;
	char **roots;			/* absolute; watched with all that is below */
	size_t nr_roots;
	char **excluded;		/* real paths of folders that are not watched */
	size_t nr_excluded;
	uint32_t scan;			/* number of the present scan */
	char *changed;			/* the last file that has changed, or NULL */
};

/* Is it a name that is left out? */
bool folders_ignore(const char *name);

/* 0, or -errno with err filled. */
int folders_open(struct folders *f, struct err *err);
void folders_release(struct folders *f);

/*
 * Watches nothing in this folder, unless it is added itself.  A folder that
 * does not exist has no effect.  Call it before folders_add().
 */
void folders_exclude(struct folders *f, const char *path);
/*
 * Watches the folder with all that is below it, or the file.  It need not exist
 * yet.  0, or -errno with err filled: the user's limit is reached.
 */
int folders_add(struct folders *f, const char *path, struct err *err);
/*
 * folders_add_entries() watches the entries of the folder, but not what is
 * below them; folders_add_file() watches the file or the folder's name, which
 * need not exist.  Both return 1 if that was not watched before, else 0; or
 * -errno with err filled.
 */
int folders_add_entries(struct folders *f, const char *path, struct err *err);
int folders_add_file(struct folders *f, const char *path, struct err *err);

/*
 * Reads what has happened, without waiting, and watches folders that are new.
 * Afterwards f->changed is set if anything was saved or removed; the caller
 * frees it and sets it to NULL.  0, or -errno with err filled.
 */
int folders_read(struct folders *f, struct err *err);

#endif
