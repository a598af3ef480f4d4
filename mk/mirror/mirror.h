/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mirror: keeps a copy of a module's folder, in which kbuild can build.
 *
 * The copy of /projects/drv is TREE/projects/drv: it keeps its whole path, so
 * that folders of one name do not meet, and so that ".." leads to copies of the
 * folder's relatives.  A build may change, add and remove files in the copy;
 * they stay so until the source changes.
 */
#ifndef MK_MIRROR_MIRROR_H
#define MK_MIRROR_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * What a path was when it was copied.  The key is
 *
 *	f SIZE MTIME CTIME INODE MODE	a file
 *	d				a folder
 *	l TARGET			a symbolic link, with the copy's target
 *	..				"@../NAME": the sources mention this name; or
 *					"@/PATH": a link leads to this folder
 *	g ...				the state of the repository
 */
struct entry {
	char *path;
	char *key;
	bool seen;		/* is still in the source */
};

struct list {
	struct entry *entries;
	size_t nr, room;
};

struct mirror {
	const char *module;	/* the module's folder, a real path */
	const char *tree;	/* the folder for the copies */
	const char *state;	/* the folder for the lists of this module */
	const char *excluded[4];	/* folders that are not copied */
	size_t nr_excluded;
	bool alone;		/* without relatives */
	bool no_links;		/* makes none to what is too large for a copy */
	char *repository;	/* the folder with .git, or NULL */
	struct list before;	/* sorted */
	struct list now;
	struct list mentions;	/* "/PATH", "../NAME", or "../": all entries there */
	struct list taken;	/* the relatives */
	size_t relatives;	/* entries copied from outside of the module */
	bool changed;		/* the build has to run again */
	bool tests_changed;	/* Lua files that the build goes without */
};

/* --- list.c: the list of what was copied --- */

/* Reads the file, if there is one, and sorts the entries by path. */
void list_read(struct list *l, const char *file);
/* Writes the list to the file. */
void list_write(const struct list *l, const char *file);
/* Adds an entry, with copies of both strings. */
void list_add(struct list *l, const char *path, const char *key);
/*
 * Finds the path in a list that list_read() has read.  NULL: it is not there.
 */
struct entry *list_find(const struct list *l, const char *path);

/*
 * Adds the path to the new list.  Returns whether the old list has it with the
 * same key.
 */
bool mirror_note(struct mirror *m, const char *path, const char *key);

/* --- walk.c: which files are copied, and how --- */

/* Copies what has changed in the module's folder and among its relatives. */
void walk_copy(struct mirror *m);
/* Removes from the copy what is no longer in the source. */
void walk_remove(struct mirror *m);

/* --- mention.c: the relatives of a module outside of its repository --- */

/* Adds the path to the mentions. */
void mention_add(struct mirror *m, const char *path);
/*
 * Notes the names behind ".." in the text of the file (for example "include"
 * in "$(src)/../include"), if it is a makefile or a source.
 */
void mention_scan(struct mirror *m, const char *path);

/* --- git.c: the module's repository --- */

/* Finds the repository that the module is in: sets m->repository. */
void git_find(struct mirror *m);
/*
 * Makes git work in the copy as it does in the repository: there is a private
 * HEAD and index in STATE/git; refs and objects are those of the repository.
 * STATE/worktree has the path of the repository's copy.
 */
void git_copy(struct mirror *m);

/* --- files.c: files of the copy --- */

/* Text in the style of printf(), in memory of its own.  Caller frees. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Is the path the folder itself or below it? */
bool is_below(const char *path, const char *folder);
/* Ends the program with an error that names the path and errno. */
void fail(const char *path) __attribute__((noreturn));
/* The whole file with a zero byte at its end, or NULL. Caller frees. */
char *read_text(const char *path);
/* Writes the file if its content would change. */
void write_text(const char *path, const char *content);
/* Do both files have the same bytes? */
bool is_same(const char *a, const char *b);
/*
 * Replaces `to` by a copy of the file, dated now.  Returns false if the source
 * cannot be read.
 */
bool copy_file(const char *from, const char *to, mode_t mode);
/* Replaces `to` by a symbolic link. */
void copy_link(const char *target, const char *to);
/*
 * Makes the folder TOP/PATH and those between it and TOP, which is there
 * already.  Files and links in their place are removed.
 */
void make_folders(const char *top, const char *path);
/* Removes a file, or a folder with all that it contains. */
void remove_all(const char *path);

#endif
