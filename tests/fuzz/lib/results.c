// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives a fuzz target's input to a parser of results, which is written in Lua,
 * and prints the results in every format.
 *
 * libFuzzer sees no coverage in Lua code, so a hook counts the lines that were
 * run (llvm.org/docs/LibFuzzer.html knows such counters as
 * __libfuzzer_extra_counters).
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/bind/state.h"
#include "runner/report/format.h"
#include "tests/fuzz/fuzz.h"

#define NR_COUNTERS (1 << 13)

__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[NR_COUNTERS];

static lua_State *L;
static char source[64];			/* Lua's name of the parser's file */
static bool has_run[NR_COUNTERS];	/* by the line in the parser's file */

static void count_line(lua_State *state, lua_Debug *at)
{
	unsigned int line = (unsigned int)at->currentline % NR_COUNTERS, hash = 0;

	lua_getinfo(state, "S", at);
	if (strncmp(at->source, "=provium/", 9))
		return;
	for (const char *c = at->source + 9; *c; c++)
		hash = hash * 31 + (unsigned char)*c;
	counters[(hash * 1021 + line) % NR_COUNTERS]++;
	if (!strcmp(at->source, source))
		has_run[line] = true;
}

/* Prints how many of the parser's lines have run, for mk/fuzz.awk. */
static void print_coverage(void)
{
	unsigned int all = 0, run = 0;

	lua_sethook(L, NULL, 0, 0);
	lua_getfield(L, 1, "code_lines");
	lua_pushstring(L, strchr(source, '/') + 1);
	lua_call(L, 1, 1);
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
		unsigned int line = (unsigned int)atoi(strrchr(lua_tostring(L, -2), ':') + 1);

		all++;
		if (has_run[line % NR_COUNTERS])
			run++;
		else
			fprintf(stderr, "stat::lua_not_run: %u\n", line);
	}
	fprintf(stderr, "stat::lua_lines: %u %u\n", run, all);
}

static void fail(void)
{
	fprintf(stderr, "fuzz: %s\n", lua_tostring(L, -1));
	abort();
}

/* Leaves the module tests/lib/result_oracle.lua on the stack. */
static void start(const char *parser)
{
	if (L)
		return;
	snprintf(source, sizeof(source), "=provium/%s", parser);
	L = bind_state_new();
	if (!L || luaL_dofile(L, "tests/lib/result_oracle.lua"))
		fail();
	lua_sethook(L, count_line, LUA_MASKLINE, 0);
	if (getenv("FUZZ_COVERAGE"))
		atexit(print_coverage);
}

static void print(const struct format *f, const json_t *record)
{
	struct counts counts = { 0 };
	struct buf text = { 0 };

	counts_add(&counts, record);
	if (f->begin)
		f->begin(1, &text);
	format_record(f, record, 1, &text);
	f->end(&counts, &text);
	buf_release(&text);
}

/* Prints the record of a file with the test of this event. */
static void report(const char *event, size_t size)
{
	static const struct format *const formats[] = {
		&format_human, &format_brief, &format_tap, &format_json, &format_junit,
		&format_github,
	};
	json_error_t error;
	json_t *root = json_loadb(event, size, 0, &error);
	json_t *record = record_new("fuzz.lua");

	if (!root) {
		fprintf(stderr, "fuzz: the event is no JSON: %s\n", error.text);
		abort();
	}
	json_array_append(json_object_get(record, "tests"), json_object_get(root, "item"));
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		print(formats[i], record);
	json_decref(root);
	json_decref(record);
}

void fuzz_parser(const char *parser, const uint8_t *data, size_t size)
{
	const char *event;
	size_t n;

	start(parser);
	lua_getfield(L, 1, "check");
	lua_pushstring(L, parser);
	lua_pushlstring(L, (const char *)data, size);
	if (lua_pcall(L, 2, 2, 0))
		fail();
	event = lua_tolstring(L, -1, &n);
	report(event, n);
	lua_settop(L, 1);
	lua_gc(L, LUA_GCSTEP, 0);
}
