// SPDX-License-Identifier: GPL-2.0-only
/* Services of the host for the harness: files, profiles, another runner. */
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/bind/bind.h"
#include "runner/fixture/facts.h"
#include "runner/machine/profile.h"
#include "runner/qemu/console.h"
#include "runner/qemu/proc.h"
#include "runner/report/make_path.h"

/*
 * core.identity(path): returns a text that differs if the file has changed, or
 * nil if it does not exist.
 */
static int l_identity(lua_State *L)
{
	struct stat st;
	char *identity;

	if (stat(luaL_checkstring(L, 1), &st))
		return 0;
	identity = facts_file_identity(&st);
	lua_pushstring(L, identity);
	free(identity);
	return 1;
}

/*
 * core.realpath(path): returns the resolved path, or nil if it does not exist.
 */
static int l_realpath(lua_State *L)
{
	char *real = realpath(luaL_checkstring(L, 1), NULL);

	lua_pushstring(L, real);	/* nil for NULL */
	free(real);
	return 1;
}

/*
 * core.list(dir): returns the sorted names of what is in the folder; an empty
 * list if the folder cannot be read.
 */
static int l_list_dir(lua_State *L)
{
	struct dirent **names;
	int n = scandir(luaL_checkstring(L, 1), &names, NULL, alphasort);

	lua_newtable(L);
	for (int i = 0; i < n; i++) {
		lua_pushstring(L, names[i]->d_name);
		lua_rawseti(L, -2, i + 1);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return 1;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/*
 * core.below(dir): returns the paths of everything in the folder, at any depth,
 * relative to it, folders before their contents.  Links are not followed.  An
 * empty list if dir is not a folder.
 */
static int l_below(lua_State *L)
{
	const char *dir = luaL_checkstring(L, 1);
	char *roots[] = { (char *)(uintptr_t)dir, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int n = 0;

	lua_newtable(L);
	while (fts && (entry = fts_read(fts))) {
		if (entry->fts_level < 1 || entry->fts_info == FTS_DP)
			continue;
		lua_pushstring(L, entry->fts_path + strlen(dir) + 1);
		lua_rawseti(L, -2, ++n);
	}
	if (fts)
		fts_close(fts);
	return 1;
}

/* --- profiles --- */

/* core.default_profile(): returns the name of the profile in use. */
static int l_default_profile(lua_State *L)
{
	lua_pushstring(L, profile_default());
	return 1;
}

/* core.profile_names(): returns the text of profile_names(). */
static int l_profile_names(lua_State *L)
{
	struct buf names = { 0 };

	profile_names(&names);
	lua_pushstring(L, buf_str(&names));
	buf_release(&names);
	return 1;
}

/* --- running programs, such as the runner that builds a fixture --- */

static int await_end(struct proc *p, int64_t deadline_ns)
{
	struct pollfd fds[] = {
		{ p->pidfd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
	};
	int n;

	do {
		n = poll(fds, 2, deadline_poll_ms(deadline_ns));
	} while (n < 0 && !interrupt_pending());
	if (interrupt_pending())
		return -EINTR;
	return n ? 0 : -ETIMEDOUT;
}

/*
 * Runs argv and waits for its end.  After timeout_s the process gets SIGTERM.
 * Returns 0 with the status of wait(2) in *status; or -EINTR, -ETIMEDOUT or an
 * error of proc_start(), with err filled.
 */
static int run(char *const argv[], double timeout_s, int stderr_fd, int *status,
	       struct err *err)
{
	struct proc p;
	int ret;

	proc_init(&p);
	ret = proc_start(&p, argv, NULL, 0, stderr_fd, err);
	if (ret)
		return ret;
	ret = await_end(&p, deadline_in(timeout_s));
	if (ret == -EINTR)
		err_set(err, ERR_INTERRUPTED, 0, "interrupted");
	else if (ret)
		err_set(err, ERR_TIMEOUT, 0, "did not end within %.3g s", timeout_s);
	if (ret)
		kill(p.pid, SIGTERM);
	else
		proc_ended(&p);
	*status = p.status;
	proc_release(&p);
	return ret;
}

void bind_words(lua_State *L, int idx, char **words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		luaL_argcheck(L, lua_geti(L, idx, (lua_Integer)i + 1) == LUA_TSTRING, idx,
			      "expected strings");
		words[i] = (char *)(uintptr_t)lua_tostring(L, -1);
		lua_pop(L, 1);
	}
}

/*
 * Runs the argv whose words from index `first` on are the list at index 1.
 * Pushes the exit status (128+n if signal n killed it) and what it wrote to
 * stderr.  Raises an error on a signal to this process, and when the time at
 * index 2 is over.
 */
static int run_list(lua_State *L, char **argv, size_t first)
{
	size_t n = (size_t)luaL_len(L, 1);
	double seconds = luaL_checknumber(L, 2);
	struct buf output = { 0 };
	struct err err;
	int fd, ret, status;

	bind_words(L, 1, argv + first, n);
	argv[first + n] = NULL;
	fd = console_open("stderr");
	ret = run(argv, seconds, fd, &status, &err);
	if (fd >= 0) {
		console_read(fd, 0, &output);
		close(fd);
	}
	if (ret) {
		buf_release(&output);
		bind_raise(L, &err);
	}
	lua_pushinteger(L, WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
			WEXITSTATUS(status));
	lua_pushlstring(L, (char *)output.p, output.len);
	buf_release(&output);
	return 2;
}

/*
 * Returns a new argv: nr words that the caller fills in, then the list at index
 * 1.
 */
static char **new_argv(lua_State *L, size_t nr)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	return lua_newuserdatauv(L, sizeof(char *) * ((size_t)luaL_len(L, 1) + nr + 1), 0);
}

/*
 * core.run({arg, …}, seconds): runs this program with other arguments.  Returns
 * and raises as run_list().
 */
static int l_run(lua_State *L)
{
	char **argv = new_argv(L, 1);

	argv[0] = (char *)"/proc/self/exe";
	return run_list(L, argv, 1);
}

/*
 * core.run_tool({program, arg, …}, seconds): runs a program of the host.
 * Returns and raises as run_list(); stdout is in the output, too.
 */
static int l_run_tool(lua_State *L)
{
	static const char *const to_stderr[] = { "/bin/sh", "-c", "exec \"$@\" >&2", "sh" };
	size_t nr = sizeof(to_stderr) / sizeof(*to_stderr);
	char **argv = new_argv(L, nr);

	for (size_t i = 0; i < nr; i++)
		argv[i] = (char *)(uintptr_t)to_stderr[i];
	return run_list(L, argv, nr);
}

/* --- rules for make --- */

/*
 * core.make_rules(target, paths): returns makefile rules which say that target
 * depends on the paths; and true, or false if make cannot read one of the paths
 * (make_path.h).
 */
static int l_make_rules(lua_State *L)
{
	const char *target = luaL_checkstring(L, 1);
	json_t *paths = bind_to_json(L, 2);
	struct buf rules = { 0 };
	bool complete = make_path_add_rules(&rules, target, paths);

	json_decref(paths);
	lua_pushlstring(L, (char *)rules.p, rules.len);
	buf_release(&rules);
	lua_pushboolean(L, complete);
	return 2;
}

const luaL_Reg bind_host_functions[] = {
	{ "identity", l_identity },
	{ "realpath", l_realpath },
	{ "list", l_list_dir },
	{ "below", l_below },
	{ "default_profile", l_default_profile },
	{ "profile_names", l_profile_names },
	{ "run", l_run },
	{ "run_tool", l_run_tool },
	{ "make_rules", l_make_rules },
	{ "command", bind_l_command },
	{ "own", bind_l_own },
	{ NULL, NULL },
};
