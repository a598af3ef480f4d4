// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encodes Lua tables as messages and decodes them.  The functions walk the
 * message's descriptor, so they serve every op.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/bind/bind.h"

static noreturn __attribute__((format(printf, 2, 3)))
void refuse(lua_State *L, const char *fmt, ...)
{
	char text[256];
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&err, ERR_USER, 0, "%s", text);
	bind_raise(L, &err);
}

static void add_u32(luaL_Buffer *b, size_t v)
{
	uint8_t raw[4];

	wire_put_int(raw, WIRE_T_u32, v);
	luaL_addlstring(b, (char *)raw, sizeof(raw));
}

static void add_int(lua_State *L, luaL_Buffer *b, const struct wire_field *f,
		    int at)
{
	uint8_t raw[8];
	int ok = 1;
	lua_Integer v = lua_isnil(L, at) ? 0 : lua_tointegerx(L, at, &ok);

	if (!ok)
		refuse(L, "%s: expected an integer, got %s", f->name,
		       luaL_typename(L, at));
	if ((f->type == WIRE_T_u32 && (v < 0 || v > UINT32_MAX)) ||
	    (f->type == WIRE_T_s32 && (v < INT32_MIN || v > INT32_MAX)))
		refuse(L, "%s: expected 32 bits, got %lld", f->name, v);
	wire_put_int(raw, f->type, (uint64_t)v);
	luaL_addlstring(b, (char *)raw, wire_int_size(f->type));
}

static void add_bytes(lua_State *L, luaL_Buffer *b, const struct wire_field *f,
		      int at)
{
	size_t n = 0;
	const char *s = lua_isnil(L, at) ? "" : lua_tolstring(L, at, &n);

	if (!s)
		refuse(L, "%s: expected a string, got %s", f->name,
		       luaL_typename(L, at));
	if (n > WIRE_MAX)
		refuse(L, "%s: %zu bytes; a call can carry at most %u MiB",
		       f->name, n, WIRE_MAX >> 20);
	add_u32(b, n);
	luaL_addlstring(b, s, n);
}

/*
 * Encodes a list.  Each element is encoded into a string first, because
 * luaL_Buffers cannot nest.
 */
static void add_list(lua_State *L, luaL_Buffer *b, const struct wire_field *f,
		     int at)
{
	lua_Integer n = lua_isnil(L, at) ? 0 : luaL_len(L, at);

	add_u32(b, (size_t)n);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_geti(L, at, i);
		if (!lua_istable(L, -1))
			refuse(L, "%s[%lld]: expected a table, got %s", f->name, i,
			       luaL_typename(L, -1));
		bind_encode(L, lua_gettop(L), wire_elem(f->type));
		lua_remove(L, -2);
		luaL_addvalue(b);
	}
}

void bind_encode(lua_State *L, int idx, const struct wire_desc *desc)
{
	int first = lua_gettop(L) + 1;
	luaL_Buffer b;

	luaL_checkstack(L, (int)desc->nr_fields + 16, "message");
	for (size_t i = 0; i < desc->nr_fields; i++)
		lua_getfield(L, idx, desc->fields[i].name);
	luaL_buffinit(L, &b);
	for (size_t i = 0; i < desc->nr_fields; i++) {
		const struct wire_field *f = &desc->fields[i];
		int at = first + (int)i;

		if (wire_int_size(f->type))
			add_int(L, &b, f, at);
		else if (wire_elem(f->type))
			add_list(L, &b, f, at);
		else
			add_bytes(L, &b, f, at);
	}
	luaL_pushresult(&b);
	lua_replace(L, first);
	lua_settop(L, first);
}

static int push_msg(lua_State *L, const struct wire_desc *desc,
		    struct wire_cursor *cur);

static int push_field(lua_State *L, const struct wire_field *f,
		      struct wire_cursor *cur)
{
	const struct wire_desc *elem = wire_elem(f->type);
	struct wire_bytes b;
	uint32_t nr;
	uint64_t v;

	if (wire_int_size(f->type)) {
		if (wire_take_int(cur, f->type, &v))
			return -EBADMSG;
		lua_pushinteger(L, (lua_Integer)v);
	} else if (elem) {
		if (wire_take_count(cur, elem, &nr))
			return -EBADMSG;
		lua_newtable(L);
		for (uint32_t i = 1; i <= nr; i++) {
			if (push_msg(L, elem, cur))
				return -EBADMSG;
			lua_rawseti(L, -2, i);
		}
	} else {
		if (wire_take_bytes(cur, &b))
			return -EBADMSG;
		lua_pushlstring(L, b.p, b.len);
	}
	return 0;
}

static int push_msg(lua_State *L, const struct wire_desc *desc,
		    struct wire_cursor *cur)
{
	luaL_checkstack(L, 8, "message");
	lua_createtable(L, 0, (int)desc->nr_fields);
	for (size_t i = 0; i < desc->nr_fields; i++) {
		if (push_field(L, &desc->fields[i], cur))
			return -EBADMSG;
		lua_setfield(L, -2, desc->fields[i].name);
	}
	return 0;
}

int bind_decode(lua_State *L, const struct wire_desc *desc,
		const void *payload, size_t len)
{
	struct wire_cursor cur = { .p = payload, .left = len };

	return !push_msg(L, desc, &cur) && !cur.left;
}

void bind_push_reply(lua_State *L, const struct wire_op_desc *op, unsigned int kind,
		     const void *payload, size_t len)
{
	const struct wire_desc *desc = kind == WIRE_REPLY ? op->rep : &wire_desc_fail;
	struct err err;

	if (bind_decode(L, desc, payload, len))
		return;
	err_set(&err, ERR_BROKEN, 0, "the agent sent a malformed reply to %s", op->name);
	bind_raise(L, &err);
}

static const struct wire_op_desc *check_op(lua_State *L)
{
	const struct wire_op_desc *op = wire_op_by_name(luaL_checkstring(L, 1));

	luaL_argcheck(L, op, 1, "no such op");
	return op;
}

int bind_l_encode(lua_State *L)
{
	const struct wire_op_desc *op = check_op(L);

	lua_pushinteger(L, op->op);
	bind_encode(L, 2, op->req);
	return 2;
}

int bind_l_decode(lua_State *L)
{
	const struct wire_op_desc *op = check_op(L);
	lua_Integer kind = luaL_checkinteger(L, 2);
	size_t len;
	const char *payload = luaL_checklstring(L, 3, &len);

	if (kind != WIRE_REPLY)
		lua_pushnil(L);
	bind_push_reply(L, op, (unsigned int)kind, payload, len);
	return kind == WIRE_REPLY ? 1 : 2;
}

void bind_push_reasons(lua_State *L)
{
	lua_newtable(L);
#define REASON(num, name, doc) \
	lua_pushinteger(L, num); \
	lua_setfield(L, -2, #name);
	WIRE_REASONS(REASON)
#undef REASON
}
