// SPDX-License-Identifier: GPL-2.0-only
/* JSON text to Lua values and back, with jansson. */
#include <jansson.h>
#include <stdlib.h>

#include "runner/bind/bind.h"

void bind_push_json(lua_State *L, const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	luaL_checkstack(L, 8, "JSON");
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		lua_newtable(L);
		json_object_foreach((json_t *)(uintptr_t)v, key, item) {
			bind_push_json(L, item);
			lua_setfield(L, -2, key);
		}
		break;
	case JSON_ARRAY:
		lua_newtable(L);
		json_array_foreach(v, i, item) {
			bind_push_json(L, item);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		break;
	case JSON_STRING:
		lua_pushlstring(L, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		lua_pushinteger(L, json_integer_value(v));
		break;
	case JSON_REAL:
		lua_pushnumber(L, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(L, json_is_true(v));
		break;
	default:
		lua_pushnil(L);
	}
}

/* A userdata owns the JSON document, so that a Lua error cannot leak it. */
static int free_document(lua_State *L)
{
	json_t **doc = lua_touserdata(L, 1);

	json_decref(*doc);
	*doc = NULL;
	return 0;
}

static json_t **new_document(lua_State *L)
{
	json_t **doc = lua_newuserdatauv(L, sizeof(*doc), 0);

	*doc = NULL;
	if (luaL_newmetatable(L, "provium.json")) {
		lua_pushcfunction(L, free_document);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	return doc;
}

int bind_json_decode(lua_State *L)
{
	size_t n;
	const char *text = luaL_checklstring(L, 1, &n);
	json_t **doc = new_document(L);
	json_error_t why;

	*doc = json_loadb(text, n, JSON_DECODE_ANY, &why);
	if (!*doc) {
		lua_pushnil(L);
		lua_pushfstring(L, "line %d, column %d: %s", why.line,
				why.column, why.text);
		return 2;
	}
	bind_push_json(L, *doc);
	return 1;
}



static json_t *table_to_json(lua_State *L, int idx)
{
	json_t *obj;

	if (lua_rawlen(L, idx) > 0) {
		obj = json_array();
		for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, idx); i++) {
			lua_rawgeti(L, idx, i);
			json_array_append_new(obj, bind_to_json(L, lua_gettop(L)));
			lua_pop(L, 1);
		}
		return obj;
	}
	obj = json_object();
	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
		if (lua_type(L, -2) == LUA_TSTRING)
			json_object_set_new(obj, lua_tostring(L, -2),
					    bind_to_json(L, lua_gettop(L)));
	return obj;
}

json_t *bind_to_json(lua_State *L, int idx)
{
	size_t n;
	const char *s;

	switch (lua_type(L, idx)) {
	case LUA_TTABLE:
		return table_to_json(L, idx);
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &n);
		return json_stringn(s, n);
	case LUA_TNUMBER:
		return lua_isinteger(L, idx) ?
			json_integer(lua_tointeger(L, idx)) :
			json_real(lua_tonumber(L, idx));
	case LUA_TBOOLEAN:
		return json_boolean(lua_toboolean(L, idx));
	default:
		return json_null();
	}
}

int bind_json_encode(lua_State *L)
{
	json_t **doc = new_document(L);
	char *text;

	*doc = bind_to_json(L, 1);
	text = json_dumps(*doc, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (!text)
		return luaL_error(L, "this value has no form in JSON");
	lua_pushstring(L, text);
	free(text);
	return 1;
}
