// SPDX-License-Identifier: GPL-2.0-only
/* core.complaints(): a kernel log's reports as Lua tables. */
#include "runner/bind/bind.h"
#include "runner/complaint/parser.h"

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
	lua_createtable(L, 0, 5);
	lua_pushstring(L, c->kind);
	lua_setfield(L, -2, "kind");
	lua_pushstring(L, c->title);
	lua_setfield(L, -2, "title");
	lua_pushboolean(L, c->fatal);
	lua_setfield(L, -2, "fatal");
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
