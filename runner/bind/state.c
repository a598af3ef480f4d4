// SPDX-License-Identifier: GPL-2.0-only
/* Makes the Lua states in which the harness runs. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "runner/bind/bind.h"
#include "runner/bind/memory.h"
#include "runner/bind/state.h"
#include "runner/bind/warning.h"
#include "runner/lua/embed.h"

/*
 * Called for an error outside of a protected call; does what luaL_newstate()'s
 * panic function does.
 */
static int panic(lua_State *L)
{
	const char *message = lua_tostring(L, -1);

	fprintf(stderr, "provium: Lua error outside of a protected call: %s\n",
		message ? message : "(no text)");
	return 0;
}

lua_State *bind_state_new(void)
{
	lua_State *L = memory_state_new();

	if (!L)
		return NULL;
	lua_atpanic(L, panic);
	warning_install(L);
	luaL_openlibs(L);
	luaL_requiref(L, "provium.core", bind_open, 0);
	lua_pop(L, 1);
	embed_install(L);
	return L;
}
