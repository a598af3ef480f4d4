// SPDX-License-Identifier: GPL-2.0-only
/* Recorded and replaying VMs as Lua holds them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/bind/bind.h"
#include "runner/fixture/facts.h"
#include "runner/probe/choice.h"
#include "runner/vm/recording.h"
#include "runner/vm/replay.h"

/* Opens a file in dir that has no name, so that nothing can leave it behind. */
static int open_log(const char *dir)
{
	char *path = xasprintf("%s/.log.XXXXXX", dir);
	int ret = files_mkdirs(dir), fd = ret ? -1 : mkostemp(path, O_CLOEXEC);

	if (!ret && fd < 0)
		ret = -errno;
	if (fd >= 0)
		unlink(path);
	free(path);
	return ret ? ret : fd;
}

/*
 * vm:record(dir, shift): makes a VM that has not booted a recorded one, in
 * which an instruction takes 2^shift ns.
 */
static int l_record(lua_State *L)
{
	const char *dir = luaL_checkstring(L, 2);
	int fd = open_log(dir);
	struct err err;

	if (fd < 0) {
		err_set(&err, ERR_BROKEN, fd, "cannot write a recording in %s: %s", dir,
			strerror(-fd));
		bind_raise(L, &err);
	}
	vm_record(bind_check_vm(L), (unsigned int)luaL_checkinteger(L, 3), fd);
	return 0;
}

/* vm:icount(): returns how many instructions the guest has executed. */
static int l_icount(lua_State *L)
{
	uint64_t count;
	struct err err;

	if (vm_icount(bind_check_vm(L), &count, &err))
		bind_raise(L, &err);
	lua_pushinteger(L, (lua_Integer)count);
	return 1;
}

/*
 * vm:last_call(): returns the name of the last call to a recorded VM, and how
 * many instructions the guest had executed before it; nothing if there was no
 * call.
 */
static int l_last_call(lua_State *L)
{
	uint64_t count;
	const char *label = vm_last_call(bind_check_vm(L), &count);

	if (!label)
		return 0;
	lua_pushstring(L, label);
	lua_pushinteger(L, (lua_Integer)count);
	return 2;
}

static void push_arguments(lua_State *L, const struct vm *vm)
{
	struct err err;
	char *text = machine_describe(vm_machine(vm), &err);

	if (!text)
		bind_raise(L, &err);
	lua_pushstring(L, text);
	free(text);
}

/*
 * vm:inputs(): returns what the run of a recorded or replaying guest depends
 * on, as a table of strings.
 */
static int l_inputs(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct recording_info info;
	char *qemu = facts_qemu_version();

	vm_recording(vm, &info);
	lua_newtable(L);
	lua_pushstring(L, qemu);
	lua_setfield(L, -2, "qemu");
	free(qemu);
	lua_pushstring(L, info.kernel);
	lua_setfield(L, -2, "kernel");
	lua_pushstring(L, info.initrd);
	lua_setfield(L, -2, "initrd");
	push_arguments(L, vm);
	lua_setfield(L, -2, "arguments");
	return 1;
}

/*
 * vm:keep_recording(dir, name): copies the log of a VM that has ended to that
 * file.  Returns how many instructions the guest has executed.
 */
static int l_keep_recording(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct recording_info info;
	const char *path = lua_pushfstring(L, "%s/%s", luaL_checkstring(L, 2),
					   luaL_checkstring(L, 3));
	struct err err;

	files_mkdirs(lua_tostring(L, 2));
	if (vm_keep_recording(vm, path, &err))
		bind_raise(L, &err);
	vm_recording(vm, &info);
	lua_pushinteger(L, (lua_Integer)info.end);
	return 1;
}

/*
 * vm:replay(options, path, shift): starts a QEMU that replays the log at path,
 * of a VM that was recorded with this shift and booted with these options; see
 * vm:boot().
 */
static int l_replay(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct vm_opts *opts = bind_boot_options(L);
	const char *path = luaL_checkstring(L, 3);
	unsigned int shift = (unsigned int)luaL_checkinteger(L, 4);
	struct accel accel;
	struct err err;
	int fd;

	if (choice_make(vm_machine(vm)->profile.name, &accel, &err))
		bind_raise(L, &err);
	vm_recorded_accel(&accel);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set(&err, ERR_USER, -errno, "cannot read %s: %s", path, strerror(errno));
		bind_raise(L, &err);
	}
	if (vm_replay_start(vm, opts, &accel, shift, fd, &err))
		bind_raise(L, &err);
	return 0;
}

/*
 * Prints how far a long replay has come.  arg: the number of all its
 * instructions.
 */
static void tell_progress(uint64_t count, double seconds, void *arg)
{
	fprintf(stderr, "provium replay: at instruction %llu of %lld after %.0f s\n",
		(unsigned long long)count, *(const long long *)arg, seconds);
}

/*
 * vm:replay_to(count or nil, total): lets the guest run until it has executed
 * that many instructions of the total, or to the end.  Returns how many it has
 * executed.
 */
static int l_replay_to(lua_State *L)
{
	long long total = luaL_checkinteger(L, 3);
	uint64_t until = lua_isnoneornil(L, 2) ? REPLAY_TO_END :
			 (uint64_t)luaL_checkinteger(L, 2), count;
	struct err err;

	if (vm_replay_run(bind_check_vm(L), until, tell_progress, &total, &count, &err))
		bind_raise(L, &err);
	lua_pushinteger(L, (lua_Integer)count);
	return 1;
}

/*
 * vm:replay_serve(): lets gdb debug the replay over the socket on stdin, and
 * returns when gdb has closed the socket.
 */
static int l_replay_serve(lua_State *L)
{
	struct err err;

	if (vm_replay_serve(bind_check_vm(L), STDIN_FILENO, &err))
		bind_raise(L, &err);
	return 0;
}

/*
 * core.exec({program, argument, …}, script): becomes that program, with two
 * more arguments: -x and a file with the text of the script.  Returns the error
 * if that is impossible.
 */
static int l_exec(lua_State *L)
{
	size_t len, n = (size_t)luaL_len(L, 1);
	const char *script = luaL_checklstring(L, 2, &len);
	char **argv = lua_newuserdatauv(L, sizeof(*argv) * (n + 3), 0), path[32];
	int fd = memfd_create("gdb-commands", 0);

	bind_words(L, 1, argv, n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memcpy(argv + n, ((char *[]){ (char *)"-x", path, NULL }), 3 * sizeof(*argv));
	if (fd >= 0 && !files_write_all(fd, script, len)) {
		fflush(NULL);
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		execvp(argv[0], argv);
	}
	lua_pushfstring(L, "cannot start %s: %s", argv[0], strerror(errno));
	return 1;
}

/*
 * core.hash_file(path): returns the hash of the file's content, or nil if it
 * cannot be read.
 */
static int l_hash_file(lua_State *L)
{
	char hex[HASH_HEX];

	lua_pushstring(L, hash_file(luaL_checkstring(L, 1), hex) ? NULL : hex);
	return 1;
}

const luaL_Reg bind_recording_functions[] = {
	{ "hash_file", l_hash_file },
	{ "exec", l_exec },
	{ NULL, NULL },
};

const luaL_Reg bind_recording_methods[] = {
	{ "record", l_record },
	{ "icount", l_icount },
	{ "last_call", l_last_call },
	{ "inputs", l_inputs },
	{ "keep_recording", l_keep_recording },
	{ "replay", l_replay },
	{ "replay_to", l_replay_to },
	{ "replay_serve", l_replay_serve },
	{ NULL, NULL },
};
