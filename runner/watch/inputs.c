// SPDX-License-Identifier: GPL-2.0-only
/* Finds the inputs of the last run; see inputs.h. */
#include <jansson.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/watch/inputs.h"

struct search {
	struct folders *f;
	struct timespec since;
	struct err *err;
	char *built;			/* the output folder; NULL: there is none */
	bool new_folder;		/* a folder was not watched while the run read its files */
};

/* The functions below return 0, or -errno with s->err filled. */

/* Notes the path if it has changed since the run's start. */
static void check(struct search *s, const char *path)
{
	struct stat st;

	if (!s->f->changed && !stat(path, &st) && files_newer(st.st_ctim, s->since))
		s->f->changed = xstrdup(path);
}

/* Is it in the output folder? */
static bool is_built(const struct search *s, const char *path)
{
	size_t n = s->built ? strlen(s->built) : 0;

	return n && !strncmp(path, s->built, n) && path[n] == '/';
}

/* Watches the path, whose folder must be a real path. */
static int add_real(struct search *s, const char *path)
{
	int ret = is_built(s, path) ? 0 : folders_add_file(s->f, path, s->err);

	if (ret > 0 || (s->new_folder && !is_built(s, path)))
		check(s, path);
	return ret < 0 ? ret : 0;
}

/* Watches the path, and the file to which it leads if it is a link. */
static int add_file(struct search *s, const char *path)
{
	char *dir = files_dirname(path), *real_dir = realpath(dir, NULL);
	const char *slash = strrchr(path, '/');
	char *at = files_join(real_dir ? real_dir : dir, slash ? slash + 1 : path);
	char *leads_to = realpath(path, NULL);
	int ret = add_real(s, at);

	if (!ret && leads_to && strcmp(leads_to, at))
		ret = add_real(s, leads_to);
	free(dir);
	free(real_dir);
	free(at);
	free(leads_to);
	return ret;
}

static int add_folder(struct search *s, const char *path)
{
	int ret = folders_add_entries(s->f, path, s->err);

	if (ret > 0) {
		check(s, path);
		s->new_folder = true;
	}
	return ret < 0 ? ret : 0;
}

static int add_result(struct search *s, const char *path)
{
	json_t *record = json_load_file(path, 0, NULL), *input;
	int ret = 0;
	size_t i;

	json_array_foreach(json_object_get(record, "deps"), i, input)
		if (!ret && json_is_string(input))
			ret = add_file(s, json_string_value(input));
	json_decref(record);
	return ret;
}

/* Lines "/PATH:". */
static int add_headers(struct search *s, const char *path)
{
	struct buf text = { 0 };
	char *save = NULL;
	int ret = 0;

	buf_read_file(&text, path);
	for (char *line = strtok_r(buf_str(&text), "\n", &save); line && !ret;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(line);

		if (line[0] == '/' && line[n - 1] == ':') {
			line[n - 1] = 0;
			ret = add_file(s, line);
		}
	}
	buf_release(&text);
	return ret;
}

/*
 * Returns the module whose list of copied files this is: STATE/PATH/files is
 * that of /PATH.  NULL if it is not watched.
 */
static const char *module_of(const struct search *s, const char *list)
{
	size_t n = strlen(list) - strlen("/files"), m;

	for (size_t i = 0; i < s->f->nr_roots; i++) {
		m = strlen(s->f->roots[i]);
		if (m <= n && !strncmp(list + n - m, s->f->roots[i], m))
			return s->f->roots[i];
	}
	return NULL;
}

/*
 * Adds a name that the module's sources mention, and that need not exist:
 * "/PATH", "../NAME", or "../": all that is there.
 */
static int add_mention(struct search *s, const char *module, const char *name)
{
	char *folder = xstrdup(*name == '/' ? "" : module), *path, *slash;
	int ret;

	for (; !strncmp(name, "../", 3) && (slash = strrchr(folder, '/')); name += 3)
		*slash = 0;
	path = xasprintf("%s%s%s", folder, *name && *name != '/' ? "/" : "", name);
	ret = *name ? add_file(s, path) : add_folder(s, path);
	free(folder);
	free(path);
	return ret;
}

/*
 * Is the path left out as it would be below the module's folder?  Only what
 * distinguishes it from the module counts: the project can be in a folder with
 * a dot.
 */
static bool is_ignored(const char *module, const char *path)
{
	size_t same = 0;

	while (path[same] && path[same] == module[same])
		same++;
	return folders_ignore(strrchr(path, '/') + 1) ||
	       strstr(path + (same ? same - 1 : 0), "/.");
}

/* Records "KEY\0PATH\0", as mk/mirror/mirror.h describes them. */
static int add_copied(struct search *s, const char *path)
{
	const char *module = module_of(s, path), *key, *name, *end;
	struct buf list = { 0 };
	int ret = 0;

	buf_read_file(&list, path);
	end = buf_str(&list) + list.len;
	for (key = (char *)list.p; module && key < end && !ret; key = name + strlen(name) + 1) {
		name = key + strlen(key) + 1;
		if (name >= end)
			break;
		if (!strcmp(key, ".."))
			ret = add_mention(s, module, name + 1);
		else if (!is_ignored(module, name))
			ret = *key == 'd' ? add_folder(s, name) : add_file(s, name);
	}
	buf_release(&list);
	return ret;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && !strcmp(text + n - k, end);
}

static int search(struct search *s, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *below;
	int ret = 0;

	while (dir && !ret && (entry = readdir(dir))) {
		below = files_join(path, entry->d_name);
		if (ends_with(below, ".result"))
			ret = add_result(s, below);
		else if (ends_with(below, "/outside.mk"))
			ret = add_headers(s, below);
		else if (ends_with(below, "/files"))
			ret = add_copied(s, below);
		else if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			ret = search(s, below);
		free(below);
	}
	if (dir)
		closedir(dir);
	return ret;
}

int inputs_add(struct folders *f, const char *path, struct timespec since, struct err *err)
{
	struct search s = { .f = f, .since = since, .err = err,
			    .built = realpath(files_home(), NULL) };
	int ret = search(&s, path);

	free(s.built);
	return ret;
}
