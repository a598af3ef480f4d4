// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes both parsers of records of /dev/kmsg.  A byte 0xff separates records:
 * the agent cuts each to one line, and the harness parses that line.  The
 * harness also gets the bytes as they are, because it does not trust the agent.
 */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/guest/kernel_log_record.h"
#include "runner/bind/state.h"
#include "tests/fuzz/fuzz.h"

#define RECORD_MAX 8192

/*
 * A Lua state with the harness's function parse_record() at its stack's bottom.
 */
static lua_State *harness(void)
{
	static lua_State *L;

	if (L)
		return L;
	L = bind_state_new();
	if (!L || luaL_dostring(L, "return require('provium.kernel_log').parse_record"))
		abort();
	return L;
}

/* Is the value at idx a list of lines without line ends, at least one? */
static bool is_list_of_lines(lua_State *L, int idx)
{
	bool is_list = lua_istable(L, idx) && lua_rawlen(L, idx) > 0;

	for (lua_Unsigned i = 1; is_list && i <= lua_rawlen(L, idx); i++) {
		is_list = lua_rawgeti(L, idx, (lua_Integer)i) == LUA_TSTRING &&
			!strchr(lua_tostring(L, -1), '\n');
		lua_pop(L, 1);
	}
	return is_list;
}

/* A record has a sequence number and lines. */
static void parse(const char *line, size_t len)
{
	lua_State *L = harness();

	lua_pushvalue(L, 1);
	lua_pushlstring(L, line, len);
	if (lua_pcall(L, 1, 3, 0))
		abort();
	if (!lua_isnil(L, 2) &&
	    (!lua_isinteger(L, 2) || lua_tointeger(L, 2) < 0 || !is_list_of_lines(L, 3)))
		abort();
	lua_settop(L, 1);
}

static void check(const uint8_t *data, size_t size)
{
	static char record[RECORD_MAX + 2], line[RECORD_MAX + 64], small[16];
	uint64_t seq;
	size_t n = size < RECORD_MAX ? size : RECORD_MAX, len;

	memcpy(record, data, n);
	len = kernel_log_record_cut(record, n, &seq);
	if (len > n + 1)
		abort();
	if (len && (strlen(record) != len || strchr(record, '\n') != record + len - 1))
		abort();
	if (!len)
		return;
	parse(record, len - 1);
	if (kernel_log_record_print(record, line, sizeof(line)) != strlen(line) ||
	    kernel_log_record_print(record, small, sizeof(small)) != strlen(small))
		abort();
}

static void parse_lines(const char *at, size_t size)
{
	while (size) {
		const char *eol = memchr(at, '\n', size);
		size_t len = eol ? (size_t)(eol - at) : size;

		parse(at, len);
		at += len + !!eol;
		size -= len + !!eol;
	}
}

void fuzz(const uint8_t *data, size_t size)
{
	parse_lines((const char *)data, size);
	while (size) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t n = end ? (size_t)(end - data) : size;

		check(data, n);
		data += n + !!end;
		size -= n + !!end;
	}
}
