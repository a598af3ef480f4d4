// SPDX-License-Identifier: GPL-2.0-only
/* Makes the Lua states in which the harness runs. */
#include <lauxlib.h>
#include <lualib.h>

#include "runner/bind/bind.h"
#include "runner/bind/state.h"
#include "runner/lua/embed.h"

lua_State *bind_state_new(void)
{
	lua_State *L = luaL_newstate();

	if (!L)
		return NULL;
	luaL_openlibs(L);
	luaL_requiref(L, "provium.core", bind_open, 0);
	lua_pop(L, 1);
	embed_install(L);
	return L;
}
