// SPDX-License-Identifier: GPL-2.0-only
/* VMs that are kept after a failure (--on-failure=keep), as Lua uses them. */
#include <unistd.h>

#include "runner/attach/client.h"
#include "runner/attach/keeper.h"
#include "runner/attach/visitors.h"
#include "runner/bind/bind.h"
#include "runner/gate/gate.h"
#include "runner/qemu/forkserver/client.h"
#include "runner/vm/kept.h"

static struct keeper keeper = { -1, -1 };

/*
 * vm:keep(): stops the guest and takes the VM out of use (vm_keep()).  Returns
 * the pid of this process; or nil and why the VM cannot be kept.
 */
static int l_keep(lua_State *L)
{
	struct err err;

	visitors_end_shells(NULL, "the test has failed, and the VM is kept: attach to it again");
	if (vm_keep(bind_check_vm(L), &err)) {
		lua_pushnil(L);
		lua_pushstring(L, err.text);
		return 2;
	}
	lua_pushinteger(L, getpid());
	return 1;
}

/*
 * core.detach(label): makes this process a keeper (keeper_detach()).  `provium
 * gate` shows the label.
 */
static int l_detach(lua_State *L)
{
	struct err err;

	visitors_close();
	forkserver_stop();
	gate_set_label(luaL_checkstring(L, 1));
	if (keeper_detach(&keeper, &err))
		bind_raise(L, &err);
	return 0;
}

/*
 * vm:serve(description, seconds): lets clients use the kept VM
 * (keeper_serve()).
 */
static int l_serve(lua_State *L)
{
	keeper_serve(&keeper, bind_check_vm(L), luaL_checkstring(L, 2), luaL_checknumber(L, 3));
	keeper_release(&keeper);
	return 0;
}

/*
 * core.kept(id): returns the description of the kept VM with that id (a string,
 * or nil: the only one).
 */
static int l_kept(lua_State *L)
{
	struct err err;
	json_t *d = client_find(luaL_optstring(L, 1, NULL), &err);

	if (!d)
		bind_raise(L, &err);
	bind_push_json(L, d);
	json_decref(d);
	return 1;
}

const luaL_Reg bind_kept_methods[] = {
	{ "keep", l_keep },
	{ "serve", l_serve },
	{ NULL, NULL },
};

const luaL_Reg bind_kept_functions[] = {
	{ "detach", l_detach },
	{ "kept", l_kept },
	{ NULL, NULL },
};
