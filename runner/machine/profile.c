// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads profiles from provium.toml.  Of TOML it understands only tables of
 * strings.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/caller.h"
#include "runner/base/files.h"
#include "runner/machine/profile.h"

static const struct key {
	const char *name;
	size_t offset;
	bool path;			/* the value is a path relative to
					 * the provium.toml */
} keys[] = {
	{ "kernel", offsetof(struct profile, kernel), true },
	{ "initrd", offsetof(struct profile, initrd), true },
	{ "rootfs", offsetof(struct profile, rootfs), true },
	{ "init", offsetof(struct profile, init), false },
	{ "append", offsetof(struct profile, append), false },
	{ "machine", offsetof(struct profile, machine), false },
	{ "cpu", offsetof(struct profile, cpu), false },
	{ "modules", offsetof(struct profile, modules), true },
	{ "kernel_modules", offsetof(struct profile, kernel_modules), true },
	{ "debug", offsetof(struct profile, debug), true },
	{ "share", offsetof(struct profile, share), true },
};

const char *profile_default(void)
{
	const char *name = getenv("PROFILE");

	return name && *name ? name : "minimal";
}

void profile_init(struct profile *p)
{
	*p = (struct profile){ 0 };
}

void profile_release(struct profile *p)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		free(*(char **)((char *)p + keys[i].offset));
	free(p->name);
	free(p->source);
	profile_init(p);
}

static char *skip_space(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/*
 * Decodes a string "…" with \" and \\, or '…', in place; only a comment can
 * follow.  NULL: the text is not such a string.
 */
static char *parse_string(char *s)
{
	char quote = *s, *out = s, *start = s;

	if (quote != '"' && quote != '\'')
		return NULL;
	for (s++; *s && *s != quote; s++) {
		if (quote == '"' && *s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		*out++ = *s;
	}
	if (*s != quote)
		return NULL;
	s = skip_space(s + 1);
	if (*s && *s != '#')
		return NULL;
	*out = 0;
	return start;
}

/*
 * Takes a "key = value" line into the profile.  0, -EINVAL, or -ENOKEY: unknown
 * key.
 */
static int take_key(struct profile *p, char *line, const char *dir)
{
	char *eq = strchr(line, '='), *value;
	size_t len = strcspn(line, " \t=");

	value = eq ? parse_string(skip_space(eq + 1)) : NULL;
	if (!value)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char **field = (char **)((char *)p + keys[i].offset);

		if (strlen(keys[i].name) != len ||
		    strncmp(keys[i].name, line, len))
			continue;
		free(*field);
		*field = keys[i].path ? files_join(dir, value) : xstrdup(value);
		return 0;
	}
	return -ENOKEY;
}

/* Returns the NAME of a "[profile.NAME]" line, or NULL for another table. */
static char *section_name(char *line)
{
	char *end = strchr(line, ']');

	if (!end || strncmp(line, "[profile.", 9))
		return NULL;
	*end = 0;
	line += 9;
	if (*line == '"' && end > line + 1) {
		end[-1] = 0;
		line++;
	}
	return line;
}

/*
 * Looks for the profile in the file, and adds the names of all profiles to
 * names.  1: found; 0: not in this file; or -errno with err filled.
 */
static int read_file(struct profile *p, const char *file, const char *name,
		     struct buf *names, struct err *err)
{
	char *dir = files_dirname(file);
	struct buf b = { 0 };
	int ret = buf_read_file(&b, file), nr = 0, found = 0;
	bool in = false;

	for (char *text = buf_str(&b), *line; !ret && (line = strsep(&text, "\n"));) {
		nr++;
		line = skip_space(line);
		if (*line == '[') {
			char *section = section_name(line);

			in = section && !strcmp(section, name);
			found |= in;
			if (section)
				buf_addf(names, "%s%s", names->len ? ", " : "",
					 section);
		} else if (in && *line && *line != '#') {
			ret = take_key(p, line, dir);
		}
	}
	if (ret)
		err_set(err, ERR_USER, ret, "%s:%d: %s", file, nr,
			ret == -EINVAL ? "expected key = \"string\"" :
			ret == -ENOKEY ? "unknown key; known: kernel initrd rootfs init append machine cpu modules kernel_modules debug share" :
			strerror(-ret));
	free(dir);
	buf_release(&b);
	return ret ? ret : found;
}

/*
 * Looks for the profile in every provium.toml, nearest first.  Returns as
 * read_file().
 */
static int search(struct profile *p, const char *name, struct buf *names,
		  struct err *err)
{
	char dir[PATH_MAX], *file;
	int ret = 0;

	if (!getcwd(dir, sizeof(dir)))
		*dir = 0;
	for (bool more = *dir; !ret; more = more && *dir) {
		file = more ? xasprintf("%s/provium.toml", strcmp(dir, "/") ? dir : "") :
			      xasprintf("%s/provium.toml", files_home());
		if (files_exist(file))
			ret = read_file(p, file, name, names, err);
		if (ret == 1)
			p->source = xstrdup(file);
		free(file);
		if (!more)
			break;
		*(strrchr(dir, '/') ? strrchr(dir, '/') : dir) = 0;
	}
	return ret;
}

void profile_names(struct buf *names)
{
	struct profile none;
	struct err ignored;

	profile_init(&none);
	search(&none, "", names, &ignored);	/* no profile is called "" */
	profile_release(&none);
}

static int check(struct profile *p, struct err *err)
{
	if (!p->kernel)
		return err_set(err, ERR_USER, -EINVAL,
			       "profile %s in %s has no kernel: add kernel = \"FILE\"",
			       p->name, p->source);
	if (access(p->kernel, R_OK))
		return err_set(err, ERR_USER, -EINVAL,
			       "profile %s: kernel %s: %s", p->name, p->kernel,
			       strerror(errno));
	if (!p->machine)
		p->machine = xstrdup("microvm");
	if (!p->append)
		p->append = xstrdup("");
	return 0;
}

int profile_load(struct profile *p, const char *name, struct err *err)
{
	struct buf names = { 0 };
	int ret;

	profile_init(p);
	p->name = xstrdup(name);
	ret = search(p, name, &names, err);
	if (!ret)
		ret = err_set(err, ERR_USER, -ENOENT,
			      "there is no profile \"%s\"; there %s: %s%s", name,
			      names.len ? "are" : "is no provium.toml from here upwards, nor beside the runner",
			      names.len ? buf_str(&names) : "run ",
			      names.len ? "" : caller_make());
	else if (ret == 1)
		ret = check(p, err);
	if (ret)
		profile_release(p);
	buf_release(&names);
	return ret;
}
