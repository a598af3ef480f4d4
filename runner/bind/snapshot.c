// SPDX-License-Identifier: GPL-2.0-only
/* A snapshot as Lua holds it. */
#include "runner/attach/visitors.h"
#include "runner/bind/bind.h"
#include "runner/fixture/snapshot.h"

#define SNAPSHOT "provium.snapshot"

static int gc(lua_State *L)
{
	snapshot_release(luaL_checkudata(L, 1, SNAPSHOT));
	return 0;
}

static const luaL_Reg methods[] = {
	{ "__gc", gc },
	{ "__close", gc },
	{ NULL, NULL },
};

/*
 * vm:snapshot(): takes a snapshot.  Returns it, and the sequence number of its
 * mark in the kernel log.
 */
static int l_take(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct snapshot *s = lua_newuserdatauv(L, sizeof(*s), 1);
	struct err err;
	int ret;

	snapshot_init(s);
	if (luaL_newmetatable(L, SNAPSHOT))
		luaL_setfuncs(L, methods, 0);
	lua_setmetatable(L, -2);
	lua_pushvalue(L, 1);	/* keeps the VM alive, because the snapshot
				 * identifies the VM by its address */
	lua_setiuservalue(L, -2, 1);
	visitors_keep_out(vm, "the test saves the state of this VM");
	ret = snapshot_take(s, vm, &err);
	visitors_keep_out(NULL, NULL);
	if (ret)
		bind_raise(L, &err);
	lua_pushinteger(L, (lua_Integer)s->log_next);
	return 2;
}

/* vm:restore(snapshot): returns the VM to the state of the snapshot. */
static int l_restore(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct err err;

	if (snapshot_restore(luaL_checkudata(L, 2, SNAPSHOT), vm, &err))
		bind_raise(L, &err);
	return 0;
}

const luaL_Reg bind_snapshot_methods[] = {
	{ "snapshot", l_take },
	{ "restore", l_restore },
	{ NULL, NULL },
};
