// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Lua files of this folder, put into the binary by the assembler.  Their
 * chunk names start with "=", those of a test's files with "@".
 */
#include <lauxlib.h>
#include <string.h>

#include "runner/lua/embed.h"

/* Each may require only files before it: see harness.lua. */
#define FILES(F)							\
	F(errors) F(text) F(suggest) F(options) F(show) F(session)	\
	F(check) F(pack) F(constants) F(calls) F(syscall) F(system)	\
	F(job) F(limits) F(kernel_log) F(snapshot) F(worker) F(async)	\
	F(vm) F(evidence) F(fixture) F(verdict) F(record) F(environment) \
	F(globals) F(harness) F(fixture_build) F(fixture_command) F(exec)

#define F(name)								\
	asm(".pushsection .rodata\n"					\
	    ".global lua_" #name "\n"					\
	    "lua_" #name ": .incbin \"runner/lua/" #name ".lua\"\n"	\
	    ".global lua_" #name "_end\n"				\
	    "lua_" #name "_end: .byte 0\n"				\
	    ".popsection\n");						\
	extern const char lua_##name[], lua_##name##_end[];
FILES(F)
#undef F

static const struct chunk {
	const char *name;
	const char *start;
	const char *end;
} chunks[] = {
#define F(name) { #name, lua_##name, lua_##name##_end },
	FILES(F)
#undef F
};

static int load_chunk(lua_State *L)
{
	const struct chunk *c = lua_touserdata(L, lua_upvalueindex(1));
	char name[64];

	strcpy(name, "=provium/");
	strncat(name, c->name, sizeof(name) - strlen(name) - 1);
	if (luaL_loadbufferx(L, c->start, (size_t)(c->end - c->start), name, "t"))
		lua_error(L);
	lua_call(L, 0, 1);
	return 1;
}

void embed_install(lua_State *L)
{
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		lua_pushfstring(L, "provium.%s", chunks[i].name);
		lua_pushlightuserdata(L, (void *)(uintptr_t)&chunks[i]);
		lua_pushcclosure(L, load_chunk, 1);
		lua_settable(L, -3);
	}
	lua_pop(L, 1);
}
