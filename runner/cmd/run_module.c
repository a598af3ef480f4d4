// SPDX-License-Identifier: GPL-2.0-only
/* Runs the commands that are written in Lua. */
#include <lauxlib.h>
#include <signal.h>
#include <string.h>

#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/bind/state.h"
#include "runner/cmd/cmd.h"

/*
 * Called by lua_pcall(): calls require(module).run(arguments...) and returns
 * its result.
 */
static int call_run(lua_State *L)
{
	int n = lua_gettop(L);

	lua_getglobal(L, "require");
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "run");
	for (int i = 2; i <= n; i++)
		lua_pushvalue(L, i);
	lua_call(L, n - 1, 1);
	return 1;
}

/*
 * Prints the error at the top of the stack.  Returns the exit status for its
 * kind.
 */
static int report_error(lua_State *L)
{
	const char *kind = "user";

	fprintf(stderr, "provium: %s\n", luaL_tolstring(L, -1, NULL));
	lua_pop(L, 1);
	if (lua_istable(L, -1) && lua_getfield(L, -1, "kind") == LUA_TSTRING)
		kind = lua_tostring(L, -1);
	return strcmp(kind, "user") ? EXIT_BROKEN : EXIT_USAGE;
}

int cmd_run_module(const char *module, int nr, char *const *args)
{
	lua_State *L = bind_state_new();
	int status;

	if (!L)
		return EXIT_BROKEN;
	luaL_checkstack(L, nr + 8, "arguments");
	lua_pushcfunction(L, call_run);
	lua_pushstring(L, module);
	for (int i = 0; i < nr; i++)
		lua_pushstring(L, args[i]);
	status = lua_pcall(L, nr + 1, 1, 0);
	lua_sethook(L, NULL, 0, 0);	/* from here on, a signal must not raise an error in Lua */
	if (status && interrupt_pending() == SIGPIPE)
		status = EXIT_BROKEN;	/* the reader of the output has ended: SIGPIPE follows */
	else
		status = status ? report_error(L) : (int)lua_tointeger(L, -1);
	lua_close(L);
	return interrupt_pending() ? -interrupt_pending() : status;
}
