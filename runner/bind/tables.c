// SPDX-License-Identifier: GPL-2.0-only
/*
 * System call numbers, errno numbers and constants by name, from the system's
 * headers.
 */
#include "runner/base/syscall_name.h"
#include "runner/bind/bind.h"
#include "runner/bind/constants.h"

#define X(name, value) { #name, value },
static const struct syscall_row errno_rows[] = {
#include "gen/errno.h"
};
#undef X

static void push(lua_State *L, const struct syscall_row *rows, size_t n)
{
	lua_createtable(L, (int)n, (int)n);
	for (size_t i = 0; i < n; i++) {
		lua_pushinteger(L, rows[i].value);
		lua_setfield(L, -2, rows[i].name);
		/*
		 * If a number has two names, the table's first name is the
		 * usual one.
		 */
		if (lua_rawgeti(L, -1, rows[i].value) == LUA_TNIL) {
			lua_pushstring(L, rows[i].name);
			lua_rawseti(L, -3, rows[i].value);
		}
		lua_pop(L, 1);
	}
}

void bind_push_nr(lua_State *L)
{
	size_t n;
	const struct syscall_row *rows = syscall_rows(&n);

	push(L, rows, n);
}

void bind_push_errno(lua_State *L)
{
	push(L, errno_rows, sizeof(errno_rows) / sizeof(errno_rows[0]));
}

static void add_constants(lua_State *L, const struct constant *row)
{
	for (; row->name; row++) {
		lua_pushinteger(L, row->value);
		lua_setfield(L, -2, row->name);
	}
}

void bind_push_const(lua_State *L)
{
	lua_newtable(L);
	add_constants(L, constants_libc);
	/*
	 * The kernel's table comes last, so that its values replace different
	 * ones of libc.
	 */
	add_constants(L, constants_uapi);
}
