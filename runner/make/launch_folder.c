// SPDX-License-Identifier: GPL-2.0-only
/* Makes and removes the folders for launched runners. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/make/launch_folder.h"

#define SUFFIX ".launch."
#define RANDOM "XXXXXX"		/* mkdtemp(3) replaces it */

void launch_folder_remove(const char *base)
{
	char *parent = files_dirname(base);
	const char *slash = strrchr(base, '/');
	char *start = xasprintf("%s" SUFFIX, slash ? slash + 1 : base);
	size_t n = strlen(start);
	DIR *dir = opendir(parent);
	struct dirent *ent;

	while (dir && (ent = readdir(dir)))
		if (!strncmp(ent->d_name, start, n) && strlen(ent->d_name + n) == strlen(RANDOM))
			files_remove_folder(dirfd(dir), ent->d_name);
	if (dir)
		closedir(dir);
	free(start);
	free(parent);
}

char *launch_folder_new(const char *base, struct err *err)
{
	char *path = xasprintf("%s" SUFFIX RANDOM, base), *parent = files_dirname(base);
	char *real = NULL;

	files_mkdirs(parent);
	launch_folder_remove(base);
	if (mkdtemp(path))
		real = realpath(path, NULL);
	if (!real)
		err_set(err, ERR_BROKEN, -errno, "cannot create the folder %s: %s%s", path,
			strerror(errno), err_limit_advice(errno));
	free(parent);
	free(path);
	return real;
}
