// SPDX-License-Identifier: GPL-2.0-only
/* Fixtures as Lua holds them: finding, locking, saving and resuming. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runner/bind/bind.h"
#include "runner/gate/gate.h"
#include "runner/fixture/fixture.h"
#include "runner/fixture/store_find.h"
#include "runner/fixture/store_list.h"
#include "runner/fixture/store_lock.h"

#define FIXTURE "provium.fixture"
#define LOCK "provium.lock"
#define DOCUMENT "provium.document"

/* --- Lua objects for fixtures, locks and JSON documents --- */

static void *new_handle(lua_State *L, size_t size, const char *name,
			const luaL_Reg *methods)
{
	void *p = lua_newuserdatauv(L, size, 0);

	memset(p, 0, size);
	if (luaL_newmetatable(L, name)) {
		luaL_setfuncs(L, methods, 0);
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "__index");
	}
	lua_setmetatable(L, -2);
	return p;
}

static struct fixture *check_fixture(lua_State *L, int idx)
{
	struct fixture *fixture = luaL_checkudata(L, idx, FIXTURE);

	luaL_argcheck(L, fixture->manifest, idx, "this fixture is released");
	return fixture;
}

static int fixture_gc(lua_State *L)
{
	fixture_release(luaL_checkudata(L, 1, FIXTURE));
	return 0;
}

static int fixture_manifest(lua_State *L);

static const luaL_Reg fixture_methods[] = {
	{ "manifest", fixture_manifest },
	{ "__gc", fixture_gc },
	{ "__close", fixture_gc },
	{ NULL, NULL },
};

static struct fixture *new_fixture(lua_State *L)
{
	struct fixture *fixture = new_handle(L, sizeof(*fixture), FIXTURE, fixture_methods);

	fixture_init(fixture);
	return fixture;
}

static int lock_gc(lua_State *L)
{
	int *fd = luaL_checkudata(L, 1, LOCK);

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return 0;
}

static const luaL_Reg lock_methods[] = {
	{ "release", lock_gc },
	{ "__gc", lock_gc },
	{ "__close", lock_gc },
	{ NULL, NULL },
};

/* A JSON document that is freed even if Lua raises an error. */
static int document_gc(lua_State *L)
{
	json_t **doc = luaL_checkudata(L, 1, DOCUMENT);

	json_decref(*doc);
	*doc = NULL;
	return 0;
}

static const luaL_Reg document_methods[] = {
	{ "__gc", document_gc },
	{ NULL, NULL },
};

/* fixture:manifest(): the manifest as a table. */
static int fixture_manifest(lua_State *L)
{
	struct fixture *fixture = check_fixture(L, 1);
	json_t **doc = new_handle(L, sizeof(*doc), DOCUMENT, document_methods);

	*doc = manifest_to_json(fixture->manifest);
	bind_push_json(L, *doc);
	return 1;
}

/* --- the store, the folder in which fixtures are kept --- */

/*
 * core.fixture_find(name, script): returns the fixture, "" and a warning; or
 * nil, the reason why there is no current fixture, and a warning.  The warning
 * can be "".
 */
static int l_find(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1), *script = luaL_checkstring(L, 2);
	struct fixture *fixture = new_fixture(L);
	struct buf reason = { 0 }, warning = { 0 };
	int found = store_find(name, script, fixture, &reason, &warning);

	if (!found)
		lua_pushnil(L);
	lua_pushstring(L, buf_str(&reason));
	lua_pushstring(L, buf_str(&warning));
	buf_release(&reason);
	buf_release(&warning);
	return 3;
}

/*
 * core.fixture_lock(name): returns the exclusive right to build the fixture;
 * its method release() gives it up.
 */
static int l_lock(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	int *fd = new_handle(L, sizeof(*fd), LOCK, lock_methods);
	struct err err;

	*fd = -1;
	*fd = store_lock(name, gate_waits_for, &err);
	if (*fd < 0)
		bind_raise(L, &err);
	return 1;
}

/*
 * core.fixture_list(name?): returns all fixtures, or those with that name, as
 * tables.
 */
static int l_list(lua_State *L)
{
	const char *name = luaL_optstring(L, 1, NULL);
	json_t **doc = new_handle(L, sizeof(*doc), DOCUMENT, document_methods);

	*doc = store_list(name);
	bind_push_json(L, *doc);
	return 1;
}

/*
 * core.fixture_clean(name?): removes all fixtures, or those with that name;
 * returns how many it removed.
 */
static int l_clean(lua_State *L)
{
	struct err err;
	int n = store_clean(luaL_optstring(L, 1, NULL), &err);

	if (n < 0)
		bind_raise(L, &err);
	lua_pushinteger(L, n);
	return 1;
}

/*
 * core.fixture_store(): returns the store's path, and whether the store is
 * short of space.
 */
static int l_store(lua_State *L)
{
	lua_pushstring(L, store_path());
	lua_pushboolean(L, store_is_full());
	return 2;
}

const luaL_Reg bind_fixture_functions[] = {
	{ "fixture_find", l_find },
	{ "fixture_lock", l_lock },
	{ "fixture_list", l_list },
	{ "fixture_clean", l_clean },
	{ "fixture_store", l_store },
	{ NULL, NULL },
};

/* --- methods of a VM that resume or save a fixture --- */

/*
 * vm:start(fixture, to_save, seed or nil): starts a QEMU that waits for
 * vm:go().
 */
static int l_start(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct fixture *fixture = check_fixture(L, 2);
	uint64_t seed = (uint64_t)luaL_optinteger(L, 4, 0);
	struct err err;

	if (fixture_start(vm, fixture, lua_toboolean(L, 3),
			  lua_isnoneornil(L, 4) ? NULL : &seed, &err))
		bind_raise(L, &err);
	return 0;
}

/*
 * vm:start_spare(fixture): starts a spare as vm:start() starts a VM; returns
 * false if no memory is free for it.
 */
static int l_start_spare(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct err ignored;

	lua_pushboolean(L, !fixture_start_spare(vm, check_fixture(L, 2),
						&ignored));
	return 1;
}

/*
 * vm:lives(): returns false if the VM has ended.  A spare can end before it is
 * used.
 */
static int l_lives(lua_State *L)
{
	lua_pushboolean(L, vm_lives(bind_check_vm(L)));
	return 1;
}

/* vm:go(fixture): resumes a started VM. */
static int l_go(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct fixture *fixture = check_fixture(L, 2);
	struct err err;

	if (fixture_go(vm, fixture, &err))
		bind_raise(L, &err);
	return 0;
}

/*
 * vm:save{name, script, default_profile, leave_clean, inputs, identities,
 * parents}: saves the VM as a fixture; returns the new manifest as a table.
 */
static int l_save(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct fixture_source src = { 0 };
	json_t **doc = new_handle(L, sizeof(*doc), DOCUMENT, document_methods);
	json_t **source = new_handle(L, sizeof(*source), DOCUMENT, document_methods);
	struct manifest *saved;
	struct err err;

	luaL_checktype(L, 2, LUA_TTABLE);
	*source = bind_to_json(L, 2);
	src.name = json_string_value(json_object_get(*source, "name"));
	src.script = json_string_value(json_object_get(*source, "script"));
	src.default_profile = json_string_value(json_object_get(*source, "default_profile"));
	src.leave_clean = json_is_true(json_object_get(*source, "leave_clean"));
	src.inputs = json_object_get(*source, "inputs");
	src.parents = json_object_get(*source, "parents");
	src.identities = json_object_get(*source, "identities");
	if (fixture_save(vm, &src, &saved, &err))
		bind_raise(L, &err);
	*doc = manifest_to_json(saved);
	manifest_free(saved);
	bind_push_json(L, *doc);
	return 1;
}

const luaL_Reg bind_fixture_methods[] = {
	{ "start", l_start },
	{ "start_spare", l_start_spare },
	{ "lives", l_lives },
	{ "go", l_go },
	{ "save", l_save },
	{ NULL, NULL },
};
