// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of runner/ and agent/, read from the #include lines of the real
 * files:
 *
 * - a folder includes only folders on lower floors;
 * - a folder's internal.h is included only by the files of that folder;
 * - there is no circle between folders (a folder and its own subfolders count
 *   as one);
 * - there is no circle between modules; a module is file.c and file.h together;
 * - there is no circle between the harness's Lua modules, by their require
 *   lines.
 *
 * Before that, each check must find a fault that is planted in a small tree.
 * Runs at the top of the source tree, as make does.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "tests/host/lib/graph.h"
#include "tests/host/lib/tap.h"

/*
 * The folders of runner/ on each floor, from the lowest floor to the highest.
 * The folders of one floor stand between blanks.  "." stands for the files that
 * are in runner/ itself.
 */
static const char *const runner_floors[] = {
	" base ", " qemu gate machine complaint watch ", " vm ", " probe attach ", " fixture ",
	" report lua ", " bind ", " make ", " run ", " cmd ", " . ", NULL,
};

struct check {
	const char *root;
	size_t nr_files;
	unsigned int nr_faults;
	struct buf faults;		/* those that were found, one a line */
	struct graph modules, folders, lua;
};

#define PATH_SIZE 256

static void fault(struct check *c, const char *what, const char *detail)
{
	c->nr_faults++;
	buf_addf(&c->faults, "%s: %s\n", what, detail);
}

/*
 * "runner/vm/loop.c" is in the folder "runner/vm", "runner/main.c" in "runner".
 */
static void folder_of(const char *path, char *folder)
{
	const char *slash = strrchr(path, '/');

	snprintf(folder, PATH_SIZE, "%.*s", slash ? (int)(slash - path) : 0, path);
}

static void module_of(const char *path, char *module)
{
	snprintf(module, PATH_SIZE, "%.*s", (int)(strrchr(path, '.') - path), path);
}

/* The floor of a file in runner/, or -1 if its folder has none. */
static int floor_of(const char *path)
{
	char word[PATH_SIZE], *slash;

	snprintf(word, sizeof(word) - 1, " %s", path + strlen("runner/"));
	slash = strchr(word, '/');
	strcpy(slash ? slash : word + 1, slash ? " " : ". ");
	for (int i = 0; runner_floors[i]; i++)
		if (strstr(runner_floors[i], word))
			return i;
	return -1;
}

static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return !strncmp(path, folder, n) && (path[n] == '/' || !path[n]);
}

/*
 * runner/main.c has the top floor, so nothing may include a loose file of
 * runner/.
 */
static bool is_up(const char *from, const char *to)
{
	char a[PATH_SIZE], b[PATH_SIZE];
	int up = floor_of(to) - floor_of(from);

	folder_of(from, a);
	folder_of(to, b);
	return up > 0 || (up == 0 && !is_in(a, b) && !is_in(b, a));
}

static void check_order(struct check *c, const char *from, const char *to)
{
	char arrow[2 * PATH_SIZE + 16];

	snprintf(arrow, sizeof(arrow), "%s includes %s", from, to);
	if (is_in(from, "runner") && is_in(to, "runner") && is_up(from, to))
		fault(c, "arrow up", arrow);
	if (is_in(from, "runner") && is_in(to, "agent") && !is_in(to, "agent/wire"))
		fault(c, "the runner uses only agent/wire of the agent", arrow);
	if (is_in(from, "agent/wire") && !is_in(to, "agent/wire"))
		fault(c, "agent/wire uses nothing but itself", arrow);
	else if (is_in(from, "agent") && !is_in(to, "agent"))
		fault(c, "the agent uses nothing of the runner", arrow);
}

static void check_internal(struct check *c, const char *from, const char *to)
{
	char own[PATH_SIZE], folder[PATH_SIZE], arrow[2 * PATH_SIZE + 16];

	folder_of(from, own);
	folder_of(to, folder);
	snprintf(arrow, sizeof(arrow), "%s includes %s", from, to);
	if (strcmp(own, folder) && !strcmp(to + strlen(folder), "/internal.h"))
		fault(c, "internal.h is for its own folder", arrow);
}

static void add_include(struct check *c, const char *from, const char *to)
{
	char a[PATH_SIZE], b[PATH_SIZE];

	check_order(c, from, to);
	folder_of(from, a);
	folder_of(to, b);
	check_internal(c, from, to);
	if (!is_in(a, b) && !is_in(b, a))
		graph_add(&c->folders, a, b);
	module_of(from, a);
	module_of(to, b);
	if (strcmp(a, b))
		graph_add(&c->modules, a, b);
}

static bool exists(const struct check *c, const char *path)
{
	char *full = xasprintf("%s/%s", c->root, path);
	bool ret = !access(full, F_OK);

	free(full);
	return ret;
}

/*
 * Looks for the file as the compiler does: beside the including file, then from
 * the top of the tree.
 */
static void read_include(struct check *c, const char *path, const char *line)
{
	char name[PATH_SIZE / 4], folder[PATH_SIZE], beside[2 * PATH_SIZE];

	if (sscanf(line, " # include \"%63[^\"]\"", name) != 1)
		return;
	folder_of(path, folder);
	snprintf(beside, sizeof(beside), "%.*s/%s", PATH_SIZE - 1, folder, name);
	if (exists(c, beside))
		add_include(c, path, beside);
	else if (is_in(name, "runner") || is_in(name, "agent"))
		add_include(c, path, name);
}

static void lua_edge(struct check *c, const char *from, const char *to)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "runner/lua/%s.lua", to);
	if (exists(c, path) && strcmp(path, from))
		graph_add(&c->lua, from, path);
}

/*
 * Reads require "provium.NAME", and the names in PARTS, which vm.lua requires
 * in a loop.
 */
static void read_require(struct check *c, const char *path, const char *line)
{
	char name[64];

	for (const char *p = line; (p = strchr(p, '"')); p++) {
		if (sscanf(p, "\"provium.%63[a-z_]\"", name) == 1 && strstr(line, "require"))
			lua_edge(c, path, name);
		else if (sscanf(p, "\"%63[a-z_]\"", name) == 1 && strstr(line, "PARTS = "))
			lua_edge(c, path, name);
	}
}

static void read_file(struct check *c, const char *path,
		      void (*read_line)(struct check *, const char *, const char *))
{
	char *full = xasprintf("%s/%s", c->root, path), *text;
	struct buf b = { 0 };

	if (buf_read_file(&b, full))
		fault(c, "cannot read", path);
	text = buf_str(&b);
	for (char *line; (line = strsep(&text, "\n"));)
		read_line(c, path, line);
	c->nr_files++;
	buf_release(&b);
	free(full);
}

static void read_files(struct check *c, const char *pattern,
		       void (*read_line)(struct check *, const char *, const char *))
{
	char *full = xasprintf("%s/%s", c->root, pattern);
	glob_t found;

	if (!glob(full, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *path = found.gl_pathv[i] + strlen(c->root) + 1;

			if (is_in(path, "runner") && floor_of(path) < 0)
				fault(c, "its folder has no floor (runner_floors)", path);
			read_file(c, path, read_line);
		}
		globfree(&found);
	}
	free(full);
}

static void check_circle(struct check *c, const struct graph *g, const char *what)
{
	struct buf path = { 0 };

	if (graph_find_circle(g, &path))
		fault(c, what, buf_str(&path));
	buf_release(&path);
}

static void check_tree(struct check *c)
{
	static const char *const sources[] = {
		"runner/*.[ch]", "runner/*/*.[ch]", "runner/*/*/*.[ch]", "runner/*/*/*/*.[ch]",
		"agent/*.[ch]", "agent/*/*.[ch]", "agent/*/*/*.[ch]", "agent/*/*/*/*.[ch]", NULL,
	};

	for (int i = 0; sources[i]; i++)
		read_files(c, sources[i], read_include);
	read_files(c, "runner/lua/*.lua", read_require);
	check_circle(c, &c->folders, "circle between folders");
	check_circle(c, &c->modules, "circle between modules");
	check_circle(c, &c->lua, "circle between Lua modules");
}

static void release(struct check *c)
{
	buf_release(&c->faults);
	graph_release(&c->modules);
	graph_release(&c->folders);
	graph_release(&c->lua);
}

/* --- planted faults --- */

#define NR_FILES 4

/* A tree of a few files with one fault, and the message that must report it. */
struct plant {
	const char *name, *expected;
	struct {
		const char *path, *text;
	} files[NR_FILES];
};

static const struct plant plants[] = {
	{ "a folder that includes one above it",
	  "arrow up: runner/base/a.c includes runner/vm/b.h\n",
	  { { "runner/base/a.c", "#include \"runner/vm/b.h\"\n" }, { "runner/vm/b.h", "" } } },
	{ "a folder that includes another one on its floor",
	  "arrow up: runner/qemu/a.c includes runner/gate/b.h\n",
	  { { "runner/qemu/a.c", "#include \"runner/gate/b.h\"\n" }, { "runner/gate/b.h", "" } } },
	{ "a folder that includes a loose file of runner/",
	  "arrow up: runner/cmd/a.c includes runner/b.h\n",
	  { { "runner/cmd/a.c", "#include \"runner/b.h\"\n" }, { "runner/b.h", "" } } },
	{ "a folder that includes another one's internal.h",
	  "internal.h is for its own folder: runner/bind/a.c includes runner/vm/internal.h\n",
	  { { "runner/bind/a.c", "#include \"runner/vm/internal.h\"\n" },
	    { "runner/vm/internal.h", "" } } },
	{ "a folder without a floor",
	  "its folder has no floor (runner_floors): runner/attic/a.c\n",
	  { { "runner/attic/a.c", "" } } },
	{ "a runner that includes more of the agent than the wire",
	  "the runner uses only agent/wire of the agent: runner/vm/a.c includes agent/ops/b.h\n",
	  { { "runner/vm/a.c", "#include \"agent/ops/b.h\"\n" }, { "agent/ops/b.h", "" } } },
	{ "an agent that includes the runner",
	  "the agent uses nothing of the runner: agent/main.c includes runner/base/b.h\n",
	  { { "agent/main.c", "#include \"runner/base/b.h\"\n" }, { "runner/base/b.h", "" } } },
	{ "a wire that includes the agent",
	  "agent/wire uses nothing but itself: agent/wire/a.c includes agent/b.h\n",
	  { { "agent/wire/a.c", "#include \"agent/b.h\"\n" }, { "agent/b.h", "" } } },
	{ "two folders that include each other",
	  "circle between folders: agent/executor > agent/ops > agent/executor\n",
	  { { "agent/executor/a.c", "#include \"agent/ops/b.h\"\n" },
	    { "agent/ops/b.h", "" },
	    { "agent/ops/c.c", "#include \"agent/executor/d.h\"\n" },
	    { "agent/executor/d.h", "" } } },
	{ "two files of one folder that include each other",
	  "circle between modules: runner/vm/a > runner/vm/b > runner/vm/a\n",
	  { { "runner/vm/a.c", "#include \"runner/vm/b.h\"\n" }, { "runner/vm/a.h", "" },
	    { "runner/vm/b.c", "#include \"a.h\"\n" }, { "runner/vm/b.h", "" } } },
	{ "a loose file and a folder's file that include each other",
	  "circle between modules: agent/a > agent/ops/b > agent/a\n",
	  { { "agent/a.c", "#include \"agent/ops/b.h\"\n" }, { "agent/a.h", "" },
	    { "agent/ops/b.c", "#include \"agent/a.h\"\n" }, { "agent/ops/b.h", "" } } },
	{ "two Lua modules that require each other",
	  "circle between Lua modules: runner/lua/a.lua > runner/lua/b.lua > runner/lua/a.lua\n",
	  { { "runner/lua/a.lua", "local b = require \"provium.b\"\n" },
	    { "runner/lua/b.lua", "return function() require(\"provium.a\") end\n" } } },
};

static void write_file(const char *root, const char *path, const char *text)
{
	char *full = xasprintf("%s/%s", root, path);
	FILE *f;

	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(full, 0755);
	}
	f = fopen(full, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
	free(full);
}

static void check_plant(const struct plant *plant)
{
	char root[] = "/tmp/floors.XXXXXX", *remove;
	struct check c = { .root = mkdtemp(root) };

	if (!c.root) {
		ok(false, "mkdtemp %s", root);
		return;
	}
	for (int i = 0; i < NR_FILES && plant->files[i].path; i++)
		write_file(root, plant->files[i].path, plant->files[i].text);
	check_tree(&c);
	if (!ok(c.nr_faults == 1 && !strcmp(buf_str(&c.faults), plant->expected),
		"planted: %s", plant->name))
		note("expected: %sgot: %s", plant->expected, buf_str(&c.faults));
	remove = xasprintf("rm -r %s", root);
	if (system(remove))
		note("%s failed", remove);
	free(remove);
	release(&c);
}

int main(void)
{
	struct check c = { .root = "." };
	char *lines;

	for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++)
		check_plant(&plants[i]);
	check_tree(&c);
	ok(c.nr_files > 100 && c.modules.nr_edges > 100 && c.lua.nr_edges > 20,
	   "read: %zu files, %zu includes between modules, %zu between Lua modules", c.nr_files,
	   c.modules.nr_edges, c.lua.nr_edges);
	lines = buf_str(&c.faults);
	for (char *line; (line = strsep(&lines, "\n")) && *line;)
		ok(false, "%s", line);
	ok(!c.nr_faults, "no arrow up and no circle in runner/ and agent/");
	release(&c);
	return done();
}
