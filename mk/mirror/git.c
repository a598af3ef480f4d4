/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes git work in the copy: it becomes a linked worktree of the module's
 * repository (gitrepository-layout(5)).  It has its own HEAD and index, which
 * git refreshes when it describes the state, and shares refs and objects.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mk/mirror/mirror.h"

void git_find(struct mirror *m)
{
	char *folder = text("%s", m->module), *git, *slash, *home = getenv("HOME");
	bool found = false;

	while (!m->alone && folder[0]) {
		git = text("%s/.git", folder);
		found = access(git, F_OK) == 0;
		free(git);
		slash = strrchr(folder, '/');
		if (found || !slash)
			break;
		*slash = '\0';
	}
	/* A home folder under git is not the repository of a module. */
	if (found && (!home || strcmp(folder, home) || !strcmp(m->module, home)))
		m->repository = folder;
	else
		free(folder);
}

/*
 * Returns the text of FOLDER/NAME without the line end; empty if there is none.
 */
static char *line_of(const char *folder, const char *name)
{
	char *path = text("%s/%s", folder, name);
	char *line = read_text(path);

	free(path);
	if (!line)
		return text("%s", "");
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Returns the path; if it is relative, with the folder before it. */
static char *from(const char *folder, const char *path)
{
	return path[0] == '/' ? text("%s", path) : text("%s/%s", folder, path);
}

/*
 * Returns the folder of the worktree's HEAD: .git, or what a file .git names.
 */
static char *git_folder(const struct mirror *m)
{
	char *git = text("%s/.git", m->repository), *line, *folder;
	struct stat st;

	if (stat(git, &st) == 0 && S_ISDIR(st.st_mode))
		return git;
	line = line_of(m->repository, ".git");
	folder = strncmp(line, "gitdir: ", 8) ? text("%s", git) : from(m->repository, line + 8);
	free(line);
	free(git);
	return folder;
}

static char *common_folder(const char *git)
{
	char *line = line_of(git, "commondir");
	char *folder = *line ? from(git, line) : text("%s", git);
	char real[PATH_MAX];

	free(line);
	if (!realpath(folder, real))
		return folder;
	free(folder);
	return text("%s", real);
}

/* Appends the date and the size of the file FOLDER/NAME to the key. */
static char *with_stat(char *key, const char *folder, const char *name)
{
	char *path = text("%s/%s", folder, name), *longer;
	struct stat st;

	if (stat(path, &st))
		memset(&st, 0, sizeof(st));
	longer = text("%s %lld.%09ld %lld", key, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		      (long long)st.st_size);
	free(path);
	free(key);
	return longer;
}

/*
 * Returns the key of the repository's state, which is another one once commits,
 * tags or branches were made or moved.
 */
static char *state_key(const char *git, const char *common, const char *head)
{
	char *key = text("g %s %s", git, head);

	if (!strncmp(head, "ref: ", 5))
		key = with_stat(key, common, head + 5);
	key = with_stat(key, git, "index");
	key = with_stat(key, common, "packed-refs");
	key = with_stat(key, common, "refs/tags");
	return with_stat(key, common, "reftable/tables.list");
}

static void copy_index(const char *git, const char *copy)
{
	char *from = text("%s/index", git), *to = text("%s/index", copy);

	if (access(from, F_OK) == 0)
		copy_file(from, to, 0600);
	free(from);
	free(to);
}

static void write_in(const char *folder, const char *name, const char *format, const char *value)
{
	char *path = text("%s/%s", folder, name), *content = text(format, value);

	write_text(path, content);
	free(path);
	free(content);
}

void git_copy(struct mirror *m)
{
	char *git, *common, *head, *key, *copy, *root;

	if (!m->repository) {
		git = text("%s/worktree", m->state);
		unlink(git);
		free(git);
		return;
	}
	git = git_folder(m);
	common = common_folder(git);
	head = line_of(git, "HEAD");
	key = state_key(git, common, head);
	copy = text("%s/git", m->state);
	root = text("%s%s", m->tree, m->repository);
	if (!mirror_note(m, "git", key)) {
		m->changed = true;
		mkdir(copy, 0777);
		write_in(copy, "HEAD", "%s\n", head);
		write_in(copy, "commondir", "%s\n", common);
		copy_index(git, copy);
	}
	make_folders(m->tree, m->repository);
	write_in(root, ".git", "gitdir: %s\n", copy);
	write_in(m->state, "worktree", "%s\n", root);
	free(git);
	free(common);
	free(head);
	free(key);
	free(copy);
	free(root);
}
