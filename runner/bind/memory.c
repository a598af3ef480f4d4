// SPDX-License-Identifier: GPL-2.0-only
/* The memory allocator of the Lua state. */
#include <stdio.h>
#include <stdlib.h>

#include "runner/bind/bind.h"
#include "runner/bind/memory.h"

#define DEFAULT_LIMIT_MIB 1024
#define LIMIT_VARIABLE "PROVIUM_LUA_MIB"

static struct {
	size_t used, limit;	/* bytes */
	bool limited;
	bool reached;
	char where[256];	/* "file:line" in a test's code where the
				 * last allocation was refused, or "" */
} memory;

/*
 * Records the innermost line of the test's code.  This is safe, because Lua's
 * stack is consistent whenever Lua allocates, and these two functions do not
 * allocate.
 */
static void note_place(void)
{
	lua_State *L = bind_running_thread();
	lua_Debug ar;

	memory.reached = true;
	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		if (!lua_getinfo(L, "Sl", &ar) || *ar.source != '@' || ar.currentline <= 0)
			continue;
		snprintf(memory.where, sizeof(memory.where), "%s:%d", ar.source + 1,
			 ar.currentline);
		return;
	}
}

/*
 * The lua_Alloc function.  If it refuses, Lua collects garbage, asks again, and
 * then raises an error.
 */
static void *allocate(void *arg, void *old, size_t old_size, size_t size)
{
	size_t freed = old ? old_size : 0;	/* if old is NULL, old_size is
						 * the type of the new object */
	void *new;

	(void)arg;
	if (!size) {
		free(old);
		memory.used -= freed;
		return NULL;
	}
	if (memory.limited && size > freed && memory.used - freed + size > memory.limit) {
		note_place();
		return NULL;
	}
	new = realloc(old, size);
	if (new)
		memory.used += size - freed;
	return new;
}

lua_State *memory_state_new(void)
{
	const char *given = getenv(LIMIT_VARIABLE);
	size_t mib = given ? strtoul(given, NULL, 10) : 0;

	memory.limit = (mib ? mib : DEFAULT_LIMIT_MIB) << 20;
	return lua_newstate(allocate, NULL);
}

void memory_set_limited(bool limited)
{
	memory.limited = limited;
	if (limited)
		memory.where[0] = '\0';
}

int memory_l_error(lua_State *L)
{
	if (!memory.reached)
		return 0;
	lua_pushfstring(L, "the file uses more than %d MiB of memory "
			"(" LIMIT_VARIABLE " sets another limit)", (int)(memory.limit >> 20));
	if (*memory.where)
		lua_pushstring(L, memory.where);
	else
		lua_pushnil(L);
	return 2;
}

int memory_l_limit(lua_State *L)
{
	(void)L;
	memory_set_limited(true);
	return 0;
}
