// SPDX-License-Identifier: GPL-2.0-only
/* Runs one test file; executed in a child process for this file only. */
#include <lauxlib.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/caller.h"
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/bind/state.h"
#include "runner/qemu/forkserver/client.h"
#include "runner/run/run_file.h"
#include "runner/vm/look.h"

/* Sends a line to the parent.  Returns what files_write_all() does. */
static int send_line(int fd, const char *p, size_t n)
{
	int ret = files_write_all(fd, p, n);

	return ret ? ret : files_write_all(fd, "\n", 1);
}

/*
 * tell(text): sends a line to the parent.  Upvalue: the descriptor to write to.
 */
static int l_tell(lua_State *L)
{
	int fd = (int)lua_tointeger(L, lua_upvalueindex(1));
	size_t n;
	const char *p = lua_tolstring(L, 1, &n);

	if (send_line(fd, p, n))
		_exit(EXIT_BROKEN);	/* the parent has closed its end of the pipe */
	return 0;
}

static int state_fd;

/* Sends the event "state" to the parent. */
static void tell_state(const char *state)
{
	json_t *event = json_pack("{s:s, s:{s:s}}", "event", "state", "item", "text", state);
	char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;

	if (line)
		send_line(state_fd, line, strlen(line));
	free(line);
	json_decref(event);
}

static void push_names(lua_State *L, const json_t *names)
{
	json_t *name;
	size_t i;

	lua_newtable(L);
	json_array_foreach(names, i, name) {
		lua_pushstring(L, json_string_value(name));
		lua_pushboolean(L, true);
		lua_rawset(L, -3);
	}
}

/* Called by lua_pcall(): require "provium.harness".run(path, { options }). */
static int run_harness(lua_State *L)
{
	const struct run_file_opts *opts = lua_touserdata(L, 2);

	lua_getglobal(L, "require");
	lua_pushliteral(L, "provium.harness");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "run");
	lua_pushvalue(L, 1);
	lua_newtable(L);
	lua_pushstring(L, opts->filter);
	lua_setfield(L, -2, "filter");
	if (opts->only) {
		push_names(L, opts->only);
		lua_setfield(L, -2, "only");
	}
	lua_pushboolean(L, opts->fail_fast);
	lua_setfield(L, -2, "fail_fast");
	lua_pushstring(L, opts->on_failure);
	lua_setfield(L, -2, "on_failure");
	lua_pushboolean(L, opts->gdb);
	lua_setfield(L, -2, "gdb");
	lua_pushboolean(L, opts->record);
	lua_setfield(L, -2, "record");
	if (opts->chaos) {
		lua_pushinteger(L, opts->chaos);
		lua_setfield(L, -2, "chaos");
	}
	lua_pushvalue(L, 3);
	lua_pushcclosure(L, l_tell, 1);
	lua_setfield(L, -2, "tell");
	lua_call(L, 2, 0);
	return 0;
}

/*
 * Ends the process by the signal, so that the parent sees it in the wait
 * status.
 */
static noreturn void die_of(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
	_exit(128 + sig);
}

static void give_up(int sig)
{
	(void)sig;
	_exit(INTERRUPT_STUCK);
}

/*
 * Shuts down the VMs that still run.  Ends the process if Lua's finalizers do
 * not return; some of them may belong to the test file.
 */
static void clean_up(lua_State *L)
{
	signal(SIGALRM, give_up);
	alarm(RUN_FILE_CLEANUP_S);
	lua_close(L);
	forkserver_stop();
	alarm(0);
}

noreturn void run_file(const char *path, const struct run_file_opts *opts, int event_fd)
{
	lua_State *L = bind_state_new();
	int failed, sig;

	if (!L)
		_exit(EXIT_BROKEN);
	caller_folder();
	setenv("PROVIUM_INSIDE", "1", 1);	/* runner/run/last_failures.h */
	unsetenv("PROVIUM_WATCH");		/* runner/make/summary.c */
	if (opts->record) {		/* a recorded VM runs on TCG, so the
					 * time limits are TCG's */
		setenv("ACCEL", "tcg", 1);
		setenv("TRANSPORT", "serial", 1);
	}
	state_fd = event_fd;
	vm_on_look(tell_state);
	lua_pushcfunction(L, run_harness);
	lua_pushstring(L, path);
	lua_pushlightuserdata(L, (void *)(uintptr_t)opts);
	lua_pushinteger(L, event_fd);
	failed = lua_pcall(L, 3, 0, 0);
	lua_sethook(L, NULL, 0, 0);	/* from here on, a signal must not raise an error in Lua */
	sig = failed ? interrupt_pending() : 0;
	if (failed && !sig)
		fprintf(stderr, "provium: %s: the harness failed: %s\n", path,
			luaL_tolstring(L, -1, NULL));
	clean_up(L);
	if (sig)
		die_of(sig);
	fflush(NULL);
	_exit(failed ? EXIT_BROKEN : 0);
}
