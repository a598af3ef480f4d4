// SPDX-License-Identifier: GPL-2.0-only
/*
 * core.complaints() and core.symbols(): a kernel log's reports, and the
 * functions that their stacks name, as Lua tables.
 */
#include "runner/bind/bind.h"
#include "runner/complaint/parser.h"
#include "runner/complaint/symbols.h"

#define PARSER "provium.complaint_parser"

static int gc(lua_State *L)
{
	struct complaint_parser **p = luaL_checkudata(L, 1, PARSER);

	complaint_parser_free(*p);
	*p = NULL;
	return 0;
}

static const luaL_Reg methods[] = {
	{ "__gc", gc },
	{ "__close", gc },
	{ NULL, NULL },
};

static struct complaint_parser *push_parser(lua_State *L)
{
	struct complaint_parser **p = lua_newuserdatauv(L, sizeof(struct complaint_parser *), 0);

	*p = NULL;
	if (luaL_newmetatable(L, PARSER))
		luaL_setfuncs(L, methods, 0);
	lua_setmetatable(L, -2);
	*p = complaint_parser_new();
	return *p;
}

static void push_complaint(lua_State *L, const struct complaint *c)
{
	lua_createtable(L, 0, 6);
	lua_pushstring(L, c->kind);
	lua_setfield(L, -2, "kind");
	lua_pushstring(L, c->title);
	lua_setfield(L, -2, "title");
	lua_pushboolean(L, c->fatal);
	lua_setfield(L, -2, "fatal");
	lua_pushboolean(L, c->lasts);
	lua_setfield(L, -2, "lasts");
	lua_pushboolean(L, c->panic);
	lua_setfield(L, -2, "panic");
	lua_createtable(L, (int)c->nr_lines, 0);
	for (size_t i = 0; i < c->nr_lines; i++) {
		lua_pushinteger(L, (lua_Integer)c->lines[i]);
		lua_seti(L, -2, (lua_Integer)i + 1);
	}
	lua_setfield(L, -2, "lines");
}

int bind_complaints(lua_State *L)
{
	lua_Integer first = luaL_checkinteger(L, 2), n;
	struct complaint_parser *p;
	const struct complaint *c;
	size_t nr, len;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	n = luaL_len(L, 1);
	p = push_parser(L);
	for (lua_Integer i = first; i <= n; i++) {
		lua_geti(L, 1, i);
		if (lua_isstring(L, -1)) {
			const char *line = lua_tolstring(L, -1, &len);

			complaint_parser_feed(p, line, len, (size_t)i, 0);
		}
		lua_pop(L, 1);
	}
	c = complaint_parser_reports(p, &nr);
	lua_createtable(L, (int)nr, 0);
	for (size_t i = 0; i < nr; i++) {
		push_complaint(L, &c[i]);
		lua_seti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/*
 * Pushes { value, section } of the i-th function { name, size } of the list at
 * index 2; false if it was not found.
 */
static void push_symbol(lua_State *L, const struct symbols *s, lua_Integer i)
{
	struct symbol found;
	const char *name;
	uint64_t size;

	lua_geti(L, 2, i);
	lua_getfield(L, -1, "name");
	lua_getfield(L, -2, "size");
	name = lua_tostring(L, -2);
	size = (uint64_t)lua_tointeger(L, -1);
	if (!name || symbols_find(s, name, size, &found)) {
		lua_pushboolean(L, false);
		return;
	}
	lua_createtable(L, 0, 2);
	lua_pushinteger(L, (lua_Integer)found.value);
	lua_setfield(L, -2, "value");
	lua_pushstring(L, found.section);
	lua_setfield(L, -2, "section");
}

int bind_symbols(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	lua_Integer n = luaL_len(L, 2);
	struct symbols *s = symbols_open(path);
	char id[128];

	if (!s)
		return 0;
	lua_createtable(L, (int)n, 0);
	for (lua_Integer i = 1; i <= n; i++) {
		int top = lua_gettop(L);

		push_symbol(L, s, i);
		lua_seti(L, top, i);
		lua_settop(L, top);
	}
	symbols_build_id(s, id, sizeof(id));
	symbols_close(s);
	lua_pushstring(L, id);
	return 2;
}
