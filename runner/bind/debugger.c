// SPDX-License-Identifier: GPL-2.0-only
/* gdb on the user's terminal, connected to a VM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/attach/client.h"
#include "runner/base/files.h"
#include "runner/base/foreground.h"
#include "runner/base/hidden_socket.h"
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
	pid_t keeper;			/* the keeper's pid, for a kept VM */
	struct ends ends;
	struct vm *vm;			/* the VM, which the object's user value
					 * keeps alive; NULL: a kept VM */
	int keeper_fd;			/* the connection to a kept VM's keeper, or -1 */
};

static void close_ends(struct ends *e)
{
	int fds[] = { e->listener, e->socket, e->script };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*e = (struct ends){ -1, -1, -1 };
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
	int ret = d->vm ? vm_debug_start(d->vm, d->ends.listener, true, err) : 0;

	snprintf(connect, sizeof(connect), "target remote /proc/self/fd/%d", d->ends.socket);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", d->ends.script);
	memcpy(argv + n, ((char *[]){ (char *)"-ex", connect, (char *)"-x", source, NULL }),
	       5 * sizeof(*argv));
	if (!d->vm)
		ret = d->keeper_fd = client_gdb(d->keeper, d->ends.listener, err);
	if (ret >= 0)
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
	if (d->keeper_fd >= 0)
		close(d->keeper_fd);
	d->keeper_fd = -1;
}

/*
 * debugger:wait(): waits until the user has left gdb, and lets the guest run
 * on.  A second call has no effect.  Raises an error on a signal to this
 * process.
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

/*
 * Pushes a debugger object for the VM, or for the keeper's pid, at index 1.  No
 * gdb runs yet.
 */
static struct debugger *push_debugger(lua_State *L)
{
	struct debugger *d = lua_newuserdatauv(L, sizeof(*d), 1);

	*d = (struct debugger){ .ends = { -1, -1, -1 }, .keeper_fd = -1 };
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
 * Starts gdb with the list of words at index 2, connects it, and has it execute
 * the script at index 3.  The debugger is on top of the stack.
 */
static void run_gdb(lua_State *L, struct debugger *d)
{
	size_t len, n = (size_t)luaL_len(L, 2);
	const char *script = luaL_checklstring(L, 3, &len);
	char **argv = lua_newuserdatauv(L, sizeof(*argv) * (n + 5), 0);
	struct err err;
	int ret;

	bind_words(L, 2, argv, n);
	ret = hidden_socket_open("gdb", SOCK_STREAM, &d->ends.listener, &d->ends.socket);
	if (!ret)
		ret = open_script(&d->ends, script, len);
	if (ret)
		err_set(&err, ERR_BROKEN, ret, "cannot create the connection to gdb: %s",
			strerror(-ret));
	else
		ret = start(d, argv, n, &err);
	lua_pop(L, 1);
	if (!ret)
		return;
	end(d);
	bind_raise(L, &err);
}

/*
 * vm:debugger({gdb, argument, …}, script): starts gdb on the user's terminal,
 * connects it to the VM, which stops, and has gdb execute the text of the
 * script.  Returns a debugger, without waiting.
 */
static int l_debugger(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct debugger *d = push_debugger(L);

	d->vm = vm;
	run_gdb(L, d);
	return 1;
}

/* core.kept_debugger(id, …): as vm:debugger(), on a kept VM. */
int bind_kept_debugger(lua_State *L)
{
	pid_t keeper = (pid_t)luaL_checkinteger(L, 1);
	struct debugger *d = push_debugger(L);

	d->keeper = keeper;
	run_gdb(L, d);
	return 1;
}

/*
 * vm:keep_corpse(): makes QEMU stay after the guest's death; see
 * vm_keep_corpse().
 */
static int l_keep_corpse(lua_State *L)
{
	struct err err;

	if (vm_keep_corpse(bind_check_vm(L), true, &err))
		bind_raise(L, &err);
	return 0;
}

/* vm:can_debug(): is there a QEMU to debug? See vm_can_debug(). */
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
