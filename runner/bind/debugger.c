// SPDX-License-Identifier: GPL-2.0-only
/* gdb on the user's terminal, connected to a VM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/base/foreground.h"
#include "runner/bind/bind.h"
#include "runner/vm/debugger.h"

#define DEBUGGER "provium.debugger"

/* The descriptors that gdb or QEMU get; -1: none. */
struct ends {
	int listener;			/* QEMU accepts the connection here */
	int socket;			/* O_PATH: gdb connects to its /proc/self/fd/N */
	int script;			/* gdb's first commands */
};

struct debugger {
	struct foreground gdb;
	struct ends ends;
	struct vm *vm;			/* the user value keeps it alive */
};

static void close_ends(struct ends *e)
{
	int fds[] = { e->listener, e->socket, e->script };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*e = (struct ends){ -1, -1, -1 };
}

/*
 * Opens a socket that has a name only until this function returns.  So no file
 * is left, and no other process can connect to the socket.
 */
static int open_socket(struct ends *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/provium-gdb.XXXXXX";
	int ret = -1;

	if (!mkdtemp(dir))
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	e->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (e->listener >= 0 && !bind(e->listener, (void *)&address, sizeof(address)) &&
	    !listen(e->listener, 1)) {
		e->socket = open(address.sun_path, O_PATH | O_CLOEXEC);
		ret = e->socket < 0 ? -1 : 0;
	}
	ret = ret ? -errno : 0;
	unlink(address.sun_path);
	rmdir(dir);
	return ret;
}

static int open_script(struct ends *e, const char *text, size_t len)
{
	e->script = memfd_create("gdb-commands", MFD_CLOEXEC);
	return e->script < 0 || files_write_all(e->script, text, len) ? -errno : 0;
}

/*
 * Connects gdb to the VM and starts it.  argv has room for four more words
 * after the first n.
 */
static int start(struct debugger *d, char **argv, size_t n, struct err *err)
{
	const int fds[] = { d->ends.socket, d->ends.script };
	char connect[64], source[32];
	int ret = vm_debug_start(d->vm, d->ends.listener, true, err);

	snprintf(connect, sizeof(connect), "target remote /proc/self/fd/%d", d->ends.socket);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", d->ends.script);
	memcpy(argv + n, ((char *[]){ (char *)"-ex", connect, (char *)"-x", source, NULL }),
	       5 * sizeof(*argv));
	if (!ret)
		ret = foreground_start(&d->gdb, argv, fds, 2, err);
	return ret;
}

static void end(struct debugger *d)
{
	foreground_release(&d->gdb);
	close_ends(&d->ends);
	if (d->vm)
		vm_debug_end(d->vm);
	d->vm = NULL;
}

/*
 * debugger:wait(): waits until the user has left gdb, and lets the guest run
 * on.  Safe twice.  Raises an error on a signal to this process.
 */
static int l_wait(lua_State *L)
{
	struct debugger *d = luaL_checkudata(L, 1, DEBUGGER);
	struct err err;
	int status;

	if (foreground_wait(&d->gdb, &status, &err))
		bind_raise(L, &err);
	end(d);
	return 0;
}

static int l_end(lua_State *L)
{
	end(luaL_checkudata(L, 1, DEBUGGER));
	return 0;
}

static const luaL_Reg debugger_methods[] = {
	{ "wait", l_wait },
	{ "__gc", l_end },
	{ "__close", l_end },
	{ NULL, NULL },
};

/* Pushes a debugger of the VM at index 1 that has no gdb yet. */
static struct debugger *push_debugger(lua_State *L)
{
	struct debugger *d = lua_newuserdatauv(L, sizeof(*d), 1);

	*d = (struct debugger){ .ends = { -1, -1, -1 } };
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	if (luaL_newmetatable(L, DEBUGGER)) {
		luaL_setfuncs(L, debugger_methods, 0);
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "__index");
	}
	lua_setmetatable(L, -2);
	return d;
}

/*
 * vm:debugger({gdb, argument, …}, script): starts gdb on the user's terminal,
 * connects it to the VM, which stops, and has gdb execute the text of the
 * script.  Returns a debugger, without waiting.
 */
static int l_debugger(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	size_t len, n = (size_t)luaL_len(L, 2);
	const char *script = luaL_checklstring(L, 3, &len);
	char **argv = lua_newuserdatauv(L, sizeof(*argv) * (n + 5), 0);
	struct debugger *d;
	struct err err;
	int ret;

	for (size_t i = 0; i < n; i++) {
		lua_geti(L, 2, (lua_Integer)i + 1);
		argv[i] = (char *)(uintptr_t)luaL_checkstring(L, -1);
		lua_pop(L, 1);		/* the list keeps the string alive */
	}
	d = push_debugger(L);
	d->vm = vm;
	ret = open_socket(&d->ends);
	if (!ret)
		ret = open_script(&d->ends, script, len);
	if (ret)
		err_set(&err, ERR_BROKEN, ret, "cannot create the connection to gdb: %s",
			strerror(-ret));
	else
		ret = start(d, argv, n, &err);
	if (!ret)
		return 1;
	end(d);
	bind_raise(L, &err);
}

/* vm:keep_corpse(): see vm_keep_corpse(). */
static int l_keep_corpse(lua_State *L)
{
	struct err err;

	if (vm_keep_corpse(bind_check_vm(L), true, &err))
		bind_raise(L, &err);
	return 0;
}

/* vm:can_debug(): see vm_can_debug(). */
static int l_can_debug(lua_State *L)
{
	lua_pushboolean(L, vm_can_debug(bind_check_vm(L)));
	return 1;
}

const luaL_Reg bind_debugger_methods[] = {
	{ "debugger", l_debugger },
	{ "keep_corpse", l_keep_corpse },
	{ "can_debug", l_can_debug },
	{ NULL, NULL },
};
