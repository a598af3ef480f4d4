// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module provium.core: error objects, time limits, and the list of
 * functions.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/caller.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/base/text.h"
#include "runner/bind/bind.h"
#include "runner/bind/memory.h"
#include "runner/bind/warning.h"
#include "runner/vm/visitors.h"

#define ERROR "provium.error"

/* --- error objects: how C code raises errors in Lua --- */

static int error_tostring(lua_State *L)
{
	lua_getfield(L, 1, "message");
	return 1;
}

void bind_push_error(lua_State *L, const struct err *err)
{
	static const char *const kinds[] = {
		[ERR_NONE] = "broken", [ERR_USER] = "user", [ERR_OP] = "op",
		[ERR_GUEST] = "guest", [ERR_BROKEN] = "broken",
		[ERR_TIMEOUT] = "timeout", [ERR_INTERRUPTED] = "interrupted",
	};

	lua_newtable(L);
	lua_pushstring(L, err->text);
	lua_setfield(L, -2, "message");
	lua_pushstring(L, kinds[err->kind]);
	lua_setfield(L, -2, "kind");
	lua_pushboolean(L, err->kind == ERR_BROKEN || err->kind == ERR_GUEST);
	lua_setfield(L, -2, "broken");
	if (err->console_at) {
		lua_pushstring(L, err->text + err->console_at);
		lua_setfield(L, -2, "console");
	}
	luaL_setmetatable(L, ERROR);
}

void bind_raise(lua_State *L, const struct err *err)
{
	bind_push_error(L, err);
	lua_error(L);
	__builtin_unreachable();
}

/*
 * --- interrupts: a hook that raises an error, even in Lua code that calls no C
 * function ---
 */

static lua_State *main_thread, *hooked;

lua_State *bind_running_thread(void)
{
	return hooked;
}

/*
 * The hook raises the error only in the code of a test.  Raised in the harness,
 * the error would keep the harness from reporting the test's end.
 */
static void raise_interrupt(lua_State *L, lua_Debug *ar)
{
	struct err err;

	if (!interrupt_pending())
		return;
	if (ar && (!lua_getinfo(L, "S", ar) || *ar->source != '@'))
		return;
	err_set(&err, ERR_INTERRUPTED, 0, interrupt_pending() == SIGALRM ?
		"time limit reached" : "interrupted by signal %d", interrupt_pending());
	bind_raise(L, &err);
}

/* Called in a signal handler, where lua_sethook() is safe (Lua manual, 4.7). */
static void set_hook(void)
{
	lua_sethook(hooked, raise_interrupt,
		    LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

/*
 * core.running(co): tells which Lua thread is about to run, so that a signal
 * sets the hook of that thread; nil means the main thread.  Returns the
 * previous thread.
 */
static int l_running(lua_State *L)
{
	lua_State *before = hooked;

	hooked = lua_isnil(L, 1) ? main_thread : lua_tothread(L, 1);
	/* A signal may have arrived while another thread ran. */
	if (interrupt_pending())
		set_hook();
	if (before == main_thread) {
		lua_pushnil(L);
	} else {
		lua_pushthread(before);
		lua_xmove(before, L, 1);
	}
	return 1;
}

/* core.alarm(seconds): sets a time limit that counts from now; 0 removes it. */
static int l_alarm(lua_State *L)
{
	double seconds = luaL_checknumber(L, 1);

	if (interrupt_pending() == SIGALRM || !interrupt_pending())
		lua_sethook(L, NULL, 0, 0);
	interrupt_alarm(seconds);
	return 0;
}

/*
 * core.protected_call(fn, handler): returns true; or false and what
 * handler(error value) returned.  A hook that is set while fn runs is removed,
 * because it could raise an error in the harness.  If the handler fails, or
 * memory is short, the second result is a table { value }.  The limit of memory
 * (memory.h) holds for fn, but not for the code that follows.
 */
static int l_protected_call(lua_State *L)
{
	int status;

	lua_settop(L, 2);
	lua_insert(L, 1);
	memory_set_limited(true);
	status = lua_pcall(L, 0, 0, 1);
	memory_set_limited(false);
	lua_sethook(L, NULL, 0, 0);
	if (interrupt_pending())
		set_hook();
	lua_pushboolean(L, status == LUA_OK);
	if (status == LUA_OK)
		return 1;
	lua_insert(L, -2);
	if (status != LUA_ERRRUN) {
		lua_newtable(L);
		lua_insert(L, -2);
		lua_setfield(L, -2, "value");
	}
	return 2;
}

/* core.interrupted(): returns true after any signal except the time limit's. */
static int l_interrupted(lua_State *L)
{
	lua_pushboolean(L, interrupt_pending() && interrupt_pending() != SIGALRM);
	return 1;
}

/* --- core functions for time, files and text --- */

/* core.now(): seconds on the monotonic clock. */
static int l_now(lua_State *L)
{
	lua_pushnumber(L, (double)clock_ns() / 1e9);
	return 1;
}

/*
 * core.error{message=, kind=}: turns the table into an error object and returns
 * it.
 */
static int l_error(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_setmetatable(L, ERROR);
	return 1;
}

/*
 * core.sent_modules(): returns the paths of the modules that guests have asked
 * for (vm_sent_modules()).
 */
static int l_sent_modules(lua_State *L)
{
	lua_pushstring(L, vm_sent_modules());
	return 1;
}

/* core.write(path, data): returns true; or nil and the error. */
static int l_write(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1), *data;
	char *dir = files_dirname(path);
	struct err err;
	size_t n;
	int ret;

	data = lua_tolstring(L, 2, &n);
	files_mkdirs(dir);
	free(dir);
	ret = files_write(path, data, n, &err);
	if (ret) {
		lua_pushnil(L);
		lua_pushstring(L, err.text);
		return 2;
	}
	lua_pushboolean(L, 1);
	return 1;
}

/*
 * core.pause(seconds): sleeps between two checks of wait_until.  A signal
 * raises an error.
 */
static int l_pause(lua_State *L)
{
	int64_t deadline = deadline_in(luaL_checknumber(L, 1));

	while (!vm_idle(deadline, NULL, 0))
		;
	raise_interrupt(L, NULL);
	return 0;
}

/*
 * core.clean(string): returns the string as valid UTF-8 without control
 * characters.
 */
static int l_clean(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	struct buf b = { 0 };

	text_clean(&b, s, n);
	lua_pushlstring(L, buf_str(&b), b.len);
	buf_release(&b);
	return 1;
}

/*
 * core.home(): returns the folders of files_home(), files_state() and
 * files_kit().
 */
static int l_home(lua_State *L)
{
	lua_pushstring(L, files_home());
	lua_pushstring(L, files_state());
	lua_pushstring(L, files_kit());
	return 3;
}

/* core.make(): returns the command that runs the kit's make (caller_make()). */
static int l_make(lua_State *L)
{
	lua_pushstring(L, caller_make());
	return 1;
}

static const luaL_Reg functions[] = {
	{ "vm", bind_vm_new },
	{ "json", bind_json_decode },
	{ "to_json", bind_json_encode },
	{ "claim", bind_claim },
	{ "peak_memory", bind_peak_memory },
	{ "encode", bind_l_encode },
	{ "decode", bind_l_decode },
	{ "alarm", l_alarm },
	{ "running", l_running },
	{ "protected_call", l_protected_call },
	{ "interrupted", l_interrupted },
	{ "memory_error", memory_l_error },
	{ "limit_memory", memory_l_limit },
	{ "gc_error", warning_l_gc_error },
	{ "now", l_now },
	{ "error", l_error },
	{ "complaints", bind_complaints },
	{ "symbols", bind_symbols },
	{ "sent_modules", l_sent_modules },
	{ "write", l_write },
	{ "pause", l_pause },
	{ "clean", l_clean },
	{ "kept_debugger", bind_kept_debugger },
	{ "home", l_home },
	{ "make", l_make },
	{ NULL, NULL },
};

int bind_open(lua_State *L)
{
	if (luaL_newmetatable(L, ERROR)) {
		lua_pushcfunction(L, error_tostring);
		lua_setfield(L, -2, "__tostring");
	}
	lua_pop(L, 1);
	main_thread = hooked = L;
	interrupt_set_hook(set_hook);
	luaL_newlib(L, functions);
	luaL_setfuncs(L, bind_fixture_functions, 0);
	luaL_setfuncs(L, bind_host_functions, 0);
	luaL_setfuncs(L, bind_kept_functions, 0);
	luaL_setfuncs(L, bind_visit_functions, 0);
	luaL_setfuncs(L, bind_line_functions, 0);
	luaL_setfuncs(L, bind_timeline_functions, 0);
	luaL_setfuncs(L, bind_recording_functions, 0);
	bind_push_nr(L);
	lua_setfield(L, -2, "nr");
	bind_push_errno(L);
	lua_setfield(L, -2, "errno");
	bind_push_const(L);
	lua_setfield(L, -2, "const");
	bind_push_reasons(L);
	lua_setfield(L, -2, "wire_reason");
	return 1;
}
