// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the conversion of JSON to Lua values, as vm:json() does it. */
#include <lauxlib.h>
#include <lua.h>

#include "runner/bind/bind.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	static lua_State *L;

	if (!L)
		L = luaL_newstate();
	lua_pushcfunction(L, bind_json_decode);
	lua_pushlstring(L, (const char *)data, size);
	lua_pcall(L, 1, 2, 0);
	lua_settop(L, 0);
	lua_gc(L, LUA_GCCOLLECT);
}
