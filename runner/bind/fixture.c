// SPDX-License-Identifier: GPL-2.0-only
/* Fixtures as Lua holds them: images, the store's lock, saving and resuming. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/bind/bind.h"
#include "runner/gate/gate.h"
#include "runner/qemu/console.h"
#include "runner/qemu/proc.h"
#include "runner/fixture/fixture.h"
#include "runner/fixture/store_find.h"
#include "runner/fixture/store_list.h"
#include "runner/fixture/store_lock.h"

#define FIXTURE "provium.fixture"
#define LOCK "provium.lock"
#define META "provium.meta"

/* --- handles: created closed, with their metatable --- */

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

struct fixture *bind_check_fixture(lua_State *L, int idx)
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

struct fixture *bind_new_fixture(lua_State *L)
{
	struct fixture *fixture = new_handle(L, sizeof(*fixture), FIXTURE, fixture_methods);

	fixture_init(fixture);
	return fixture;
}

static int lock_gc(lua_State *L)
{
	int *fd = luaL_checkudata(L, 1, LOCK);

	if (*fd > 0)
		close(*fd);
	*fd = 0;
	return 0;
}

static const luaL_Reg lock_methods[] = {
	{ "release", lock_gc },
	{ "__gc", lock_gc },
	{ "__close", lock_gc },
	{ NULL, NULL },
};

/* A document that must not leak when Lua raises. */
static int meta_gc(lua_State *L)
{
	json_t **doc = luaL_checkudata(L, 1, META);

	json_decref(*doc);
	*doc = NULL;
	return 0;
}

static const luaL_Reg meta_methods[] = {
	{ "__gc", meta_gc },
	{ NULL, NULL },
};

/* image:manifest(), as a table. */
static int fixture_manifest(lua_State *L)
{
	struct fixture *fixture = bind_check_fixture(L, 1);
	json_t **doc = new_handle(L, sizeof(*doc), META, meta_methods);

	*doc = manifest_to_json(fixture->manifest);
	bind_push_json(L, *doc);
	return 1;
}

/* --- the store --- */

/* core.fixture_find(name, script): fixture, nil, warning; or nil, why, warning. */
static int l_find(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1), *script = luaL_checkstring(L, 2);
	struct fixture *fixture = bind_new_fixture(L);
	struct buf why = { 0 }, warning = { 0 };
	int found = store_find(name, script, fixture, &why, &warning);

	if (!found)
		lua_pushnil(L);
	lua_pushstring(L, buf_str(&why));
	lua_pushstring(L, buf_str(&warning));
	buf_release(&why);
	buf_release(&warning);
	return 3;
}

static int l_lock(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	int *fd = new_handle(L, sizeof(*fd), LOCK, lock_methods), ret;
	struct err err;

	ret = store_lock(name, gate_waits_for, &err);
	if (ret < 0)
		bind_raise(L, &err);
	*fd = ret;
	return 1;
}

/* core.fixture_list(name?): what there is, as tables. */
static int l_list(lua_State *L)
{
	const char *name = luaL_optstring(L, 1, NULL);
	json_t **doc = new_handle(L, sizeof(*doc), META, meta_methods);

	*doc = store_list(name);
	bind_push_json(L, *doc);
	return 1;
}

static int l_clean(lua_State *L)
{
	struct err err;
	int n = store_clean(luaL_optstring(L, 1, NULL), &err);

	if (n < 0)
		bind_raise(L, &err);
	lua_pushinteger(L, n);
	return 1;
}

/* core.fixture_store(): where it is; has it no space left? */
static int l_store(lua_State *L)
{
	lua_pushstring(L, store_path());
	lua_pushboolean(L, store_is_full());
	return 2;
}

/* Nanoseconds of the real-time clock, which files' dates are compared with. */
static int l_time(lua_State *L)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	lua_pushinteger(L, now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
	return 1;
}

/* core.realpath(path), or nil. */
static int l_realpath(lua_State *L)
{
	char *real = realpath(luaL_checkstring(L, 1), NULL);

	lua_pushstring(L, real);	/* nil for NULL */
	free(real);
	return 1;
}

/* core.list(dir): the names in it; none if it cannot be read. */
static int l_list_dir(lua_State *L)
{
	struct dirent **names;
	int n = scandir(luaL_checkstring(L, 1), &names, NULL, alphasort);

	lua_newtable(L);
	for (int i = 0; i < n; i++) {
		lua_pushstring(L, names[i]->d_name);
		lua_rawseti(L, -2, i + 1);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return 1;
}

/* --- a runner of its own for a build --- */

static int await_end(struct proc *p, int64_t deadline)
{
	struct pollfd fds[] = {
		{ p->pidfd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
	};
	int n;

	do {
		n = poll(fds, 2, deadline_poll_ms(deadline));
	} while (n < 0 && !interrupt_pending());
	if (interrupt_pending())
		return -EINTR;
	return n ? 0 : -ETIMEDOUT;
}

/*
 * core.run({arg, …}, seconds): this program with other arguments: its exit
 * status (128+n when killed by signal n) and what it said on stderr.  A signal or the deadline
 * ends it and raises.
 */
static int l_run(lua_State *L)
{
	lua_Integer n = luaL_len(L, 1);
	double seconds = luaL_checknumber(L, 2);
	char **argv = lua_newuserdatauv(L, sizeof(*argv) * (size_t)(n + 2), 0);
	struct proc p;
	struct buf said = { 0 };
	struct err err;
	int fd, ret, status;

	argv[0] = (char *)"/proc/self/exe";
	argv[n + 1] = NULL;
	for (lua_Integer i = 1; i <= n; i++) {
		lua_geti(L, 1, i);
		argv[i] = (char *)(uintptr_t)luaL_checkstring(L, -1);
	}
	proc_init(&p);
	fd = console_open("stderr");
	ret = proc_start(&p, argv, NULL, 0, fd, &err);
	if (!ret)
		ret = await_end(&p, deadline_in(seconds));
	if (ret == -EINTR)
		err_set(&err, ERR_INTERRUPTED, 0, "interrupted");
	else if (ret == -ETIMEDOUT)
		err_set(&err, ERR_TIMEOUT, 0, "no end within %.3g s", seconds);
	if (ret == -EINTR || ret == -ETIMEDOUT)
		kill(p.pid, SIGTERM);
	else if (!ret)
		proc_ended(&p);
	status = p.status;
	proc_release(&p);
	if (fd >= 0) {
		console_read(fd, &said);
		close(fd);
	}
	if (ret) {
		buf_release(&said);
		bind_raise(L, &err);
	}
	lua_pushinteger(L, WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
			WEXITSTATUS(status));
	lua_pushlstring(L, (char *)said.p, said.len);
	buf_release(&said);
	return 2;
}

const luaL_Reg bind_fixture_functions[] = {
	{ "fixture_find", l_find },
	{ "fixture_lock", l_lock },
	{ "fixture_list", l_list },
	{ "fixture_clean", l_clean },
	{ "fixture_store", l_store },
	{ "time", l_time },
	{ "realpath", l_realpath },
	{ "list", l_list_dir },
	{ "run", l_run },
	{ NULL, NULL },
};

/* --- methods of a VM --- */

/* vm:start(fixture, to_save, seed or nil): a QEMU that waits. */
static int l_start(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct fixture *fixture = bind_check_fixture(L, 2);
	uint64_t seed = (uint64_t)luaL_optinteger(L, 4, 0);
	struct err err;

	if (fixture_start(vm, fixture, lua_toboolean(L, 3),
			  lua_isnoneornil(L, 4) ? NULL : &seed, &err))
		bind_raise(L, &err);
	return 0;
}

/* vm:start_spare(fixture): the same without waiting for room; false: there is none. */
static int l_start_spare(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct err ignored;

	lua_pushboolean(L, !fixture_start_spare(vm, bind_check_fixture(L, 2),
						&ignored));
	return 1;
}

/* vm:lives(): a spare can end before anybody has it. */
static int l_lives(lua_State *L)
{
	lua_pushboolean(L, vm_lives(bind_check_vm(L)));
	return 1;
}

/* vm:go(fixture): it runs. */
static int l_go(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct fixture *fixture = bind_check_fixture(L, 2);
	struct err err;

	if (fixture_go(vm, fixture, &err))
		bind_raise(L, &err);
	return 0;
}

/* vm:save{name, script, inputs, parents, started}: the manifest as a table. */
static int l_save(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct fixture_source src = { 0 };
	json_t **doc = new_handle(L, sizeof(*doc), META, meta_methods);
	json_t **what = new_handle(L, sizeof(*what), META, meta_methods);
	struct manifest *saved;
	struct err err;

	luaL_checktype(L, 2, LUA_TTABLE);
	*what = bind_to_json(L, 2);
	src.name = json_string_value(json_object_get(*what, "name"));
	src.script = json_string_value(json_object_get(*what, "script"));
	src.inputs = json_object_get(*what, "inputs");
	src.parents = json_object_get(*what, "parents");
	src.started_ns = json_integer_value(json_object_get(*what, "started"));
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
