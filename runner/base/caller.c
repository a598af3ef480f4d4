// SPDX-License-Identifier: GPL-2.0-only
/* Finds the folder in which the user typed the command. */
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/caller.h"
#include "runner/base/files.h"
#include "runner/base/text.h"

/* Returns the working directory; "" if it was removed.  Static. */
static const char *here(void)
{
	static char path[PATH_MAX];

	if (!getcwd(path, sizeof(path)))
		*path = 0;
	return path;
}

const char *caller_folder(void)
{
	static char *folder;
	const char *given = getenv("PROVIUM_CALLER");

	if (folder)
		return folder;
	folder = xstrdup(given && *given ? given : here());
	/*
	 * A runner that a test starts is called by that test, not from this
	 * folder.
	 */
	unsetenv("PROVIUM_CALLER");
	return folder;
}

/* Returns what follows the folder in the path; NULL if it is not below it. */
static const char *below(const char *folder, const char *path)
{
	size_t n = strlen(folder);

	return n && !strncmp(path, folder, n) && path[n] == '/' && path[n + 1] ?
	       path + n + 1 : NULL;
}

char *caller_path(const char *path)
{
	char *absolute, *shown;
	const char *rest;

	if (!*here())
		return xstrdup(path);
	absolute = files_join(here(), path);
	rest = below(caller_folder(), absolute);
	shown = xstrdup(rest ? rest : absolute);
	free(absolute);
	return shown;
}

const char *caller_make(void)
{
	static struct buf command;
	char *kit;

	if (command.len)
		return buf_str(&command);
	kit = realpath(files_kit(), NULL);
	buf_addf(&command, "make");
	if (kit && strcmp(kit, caller_folder())) {
		buf_addf(&command, " -C ");
		text_quote(&command, kit);
	}
	free(kit);
	return buf_str(&command);
}
