// SPDX-License-Identifier: GPL-2.0-only
/* Shells of other terminals in the running test's VMs, as Lua sees them. */
#include <stdlib.h>

#include "runner/attach/visitors.h"
#include "runner/bind/bind.h"

/*
 * core.visit(file, test, {vm, …}): see visitors_note().  A test runs without
 * visitors if there can be no socket.
 */
static int l_visit(lua_State *L)
{
	const char *file = luaL_checkstring(L, 1), *test = luaL_checkstring(L, 2);
	size_t n = (size_t)luaL_len(L, 3);
	struct vm **vms = lua_newuserdatauv(L, sizeof(*vms) * (n + 1), 0);

	for (size_t i = 0; i < n; i++) {
		lua_geti(L, 3, (lua_Integer)i + 1);
		vms[i] = bind_vm_at(L, -1);
		lua_pop(L, 1);	/* the list keeps the VM alive */
	}
	visitors_note(file, test, vms, n);
	return 0;
}

/* core.visited(): lists the numbers for which visitors_were_in() is true. */
static int l_visited(lua_State *L)
{
	size_t n = visitors_places();

	lua_newtable(L);
	for (size_t i = 0; i < n; i++)
		if (visitors_were_in(i)) {
			lua_pushinteger(L, (lua_Integer)i + 1);
			lua_seti(L, -2, luaL_len(L, -2) + 1);
		}
	return 1;
}

/* core.end_visits(why): see visitors_end_shells(). */
static int l_end_visits(lua_State *L)
{
	visitors_end_shells(NULL, luaL_checkstring(L, 1));
	return 0;
}

const luaL_Reg bind_visit_functions[] = {
	{ "visit", l_visit },
	{ "visited", l_visited },
	{ "end_visits", l_end_visits },
	{ NULL, NULL },
};
