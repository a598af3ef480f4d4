// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts the Lua files of this folder, compiled by mk/gen/lua.c, into the binary
 * by means of the assembler.  Their chunk names start with "=", those of a
 * test's files with "@".
 */
#include <lauxlib.h>

#include "runner/lua/embed.h"

/*
 * gen/lua/chunks.h has F(NAME) for each file NAME.lua.  Files require each
 * other without circles (tests/host/floors.c).
 */
#define F(name)								\
	asm(".pushsection .rodata\n"					\
	    ".global lua_" #name "\n"					\
	    "lua_" #name ": .incbin \"gen/lua/" #name ".luac\"\n"	\
	    ".global lua_" #name "_end\n"				\
	    "lua_" #name "_end: .byte 0\n"				\
	    ".popsection\n");						\
	extern const char lua_##name[], lua_##name##_end[];
#include "gen/lua/chunks.h"
#undef F

static const struct chunk {
	const char *name;
	const char *start;
	const char *end;
} chunks[] = {
#define F(name) { #name, lua_##name, lua_##name##_end },
#include "gen/lua/chunks.h"
#undef F
};

/* Pushes a copy of the table at idx; tables in it are not copied. */
static void push_copy(lua_State *L, int idx)
{
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -2);
		lua_rawset(L, -5);
	}
}

/*
 * Pushes the environment of this folder's files: copies of the globals and of
 * Lua's library tables, so that a test that changes these affects only itself.
 * _G and package are those of the test.
 */
static void push_environment(lua_State *L)
{
	static const char *const libraries[] = {
		"string", "table", "math", "utf8", "debug", "io", "os", "coroutine",
	};
	int globals, env;

	lua_pushglobaltable(L);
	globals = lua_gettop(L);
	push_copy(L, globals);
	env = lua_gettop(L);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		lua_getfield(L, globals, libraries[i]);
		push_copy(L, lua_gettop(L));
		lua_setfield(L, env, libraries[i]);
		lua_pop(L, 1);
	}
	lua_remove(L, globals);
}

/*
 * Makes methods of strings be looked up in the copy of the library first, then
 * in the test's own. env: the environment's index.
 */
static void protect_string_methods(lua_State *L, int env)
{
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_getfield(L, env, "string");
	lua_newtable(L);
	lua_getglobal(L, "string");
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 2);
}

/* Loads a file.  Upvalues: the chunk, the environment. */
static int load_chunk(lua_State *L)
{
	const struct chunk *c = lua_touserdata(L, lua_upvalueindex(1));

	if (luaL_loadbufferx(L, c->start, (size_t)(c->end - c->start), c->name, "b"))
		lua_error(L);
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_setupvalue(L, -2, 1);	/* the upvalue _ENV */
	lua_call(L, 0, 1);
	return 1;
}

void embed_install(lua_State *L)
{
	int env;

	push_environment(L);
	env = lua_gettop(L);
	protect_string_methods(L, env);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		lua_pushfstring(L, "provium.%s", chunks[i].name);
		lua_pushlightuserdata(L, (void *)(uintptr_t)&chunks[i]);
		lua_pushvalue(L, env);
		lua_pushcclosure(L, load_chunk, 2);
		lua_settable(L, -3);
	}
	lua_pop(L, 2);
}
