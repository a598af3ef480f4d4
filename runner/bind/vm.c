// SPDX-License-Identifier: GPL-2.0-only
/* A VM as Lua holds it: first created, later booted, released once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/bind/bind.h"
#include "runner/gate/gate.h"
#include "runner/probe/choice.h"
#include "runner/fixture/fixture.h"
#include "runner/vm/debugger.h"
#include "runner/vm/feed.h"
#include "runner/vm/look.h"
#include "runner/vm/recording.h"
#include "runner/vm/vm.h"

#define VM "provium.vm"

struct vm *bind_vm_at(lua_State *L, int idx)
{
	struct vm **vm = luaL_checkudata(L, idx, VM);

	luaL_argcheck(L, *vm, idx, "this VM is released");
	return *vm;
}

struct vm *bind_check_vm(lua_State *L)
{
	return bind_vm_at(L, 1);
}

/* --- booting a VM --- */

/*
 * The options of a boot are in a userdata, so that a Lua error cannot leak
 * them.
 */
static int free_opts(lua_State *L)
{
	vm_opts_release(lua_touserdata(L, 1));
	return 0;
}

static struct vm_opts *new_opts(lua_State *L)
{
	struct vm_opts *opts = lua_newuserdatauv(L, sizeof(*opts), 0);

	*opts = (struct vm_opts){ 0 };
	if (luaL_newmetatable(L, "provium.opts")) {
		lua_pushcfunction(L, free_opts);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	return opts;
}

static const char *string_field(lua_State *L, int idx, const char *key)
{
	const char *s;

	lua_getfield(L, idx, key);
	s = lua_tostring(L, -1);	/* the string stays valid: it is in the table */
	lua_pop(L, 1);
	return s ? s : "";
}

/*
 * Reads the list of disks.  The harness has checked and completed the tables in
 * it.
 */
static void read_disks(lua_State *L, struct vm_opts *opts)
{
	lua_getfield(L, 2, "disks");
	lua_Integer n = lua_istable(L, -1) ? luaL_len(L, -1) : 0;

	opts->disks = xcalloc((size_t)n + 1, sizeof(*opts->disks));
	for (lua_Integer i = 1; i <= n; i++) {
		struct disk *d = &opts->disks[opts->nr_disks];

		lua_geti(L, -1, i);
		d->layer_fd = d->backing_fd = -1;
		d->path = xstrdup(string_field(L, lua_gettop(L), "path"));
		d->format = xstrdup(string_field(L, lua_gettop(L), "format"));
		lua_getfield(L, -1, "readonly");
		d->readonly = lua_toboolean(L, -1);
		opts->nr_disks++;
		lua_pop(L, 2);
	}
	lua_pop(L, 1);
}

static void read_files(lua_State *L, struct vm_opts *opts)
{
	lua_getfield(L, 2, "files");
	lua_Integer n = lua_istable(L, -1) ? luaL_len(L, -1) : 0;

	opts->files = xcalloc((size_t)n + 1, sizeof(*opts->files));
	for (lua_Integer i = 1; i <= n; i++) {
		struct boot_file *f = &opts->files[opts->nr_files];

		lua_geti(L, -1, i);
		f->guest = xstrdup(string_field(L, lua_gettop(L), "guest"));
		f->host = xstrdup(string_field(L, lua_gettop(L), "host"));
		lua_getfield(L, -1, "in_folder");
		f->in_folder = lua_toboolean(L, -1);
		opts->nr_files++;
		lua_pop(L, 2);
	}
	lua_pop(L, 1);
}

struct vm_opts *bind_boot_options(lua_State *L)
{
	struct vm_opts *opts;

	luaL_checktype(L, 2, LUA_TTABLE);
	opts = new_opts(L);
	lua_getfield(L, 2, "memory");
	opts->memory = (uint64_t)luaL_checkinteger(L, -1);
	lua_getfield(L, 2, "cpus");
	opts->cpus = (unsigned int)luaL_checkinteger(L, -1);
	lua_getfield(L, 2, "timeout");
	opts->timeout = luaL_checknumber(L, -1);
	lua_pop(L, 3);
	opts->append = xstrdup(string_field(L, 2, "append"));
	read_disks(L, opts);
	read_files(L, opts);
	return opts;
}

/*
 * vm:boot{memory = bytes, cpus =, timeout = seconds on a fast host, append =,
 * disks =, files =, to_save = true if the VM will be saved as a fixture}
 */
static int l_boot(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct vm_opts *opts = bind_boot_options(L);
	struct recording_info recording;
	struct accel accel;
	struct err err;

	if (vm_state(vm) == VM_NEW &&
	    choice_make(vm_machine(vm)->profile.name, &accel, &err))
		bind_raise(L, &err);
	if (vm_recording(vm, &recording))
		vm_recorded_accel(&accel);
	opts->timeout *= vm_state(vm) == VM_NEW ? accel.slowness : 1;
	lua_getfield(L, 2, "to_save");
	if (lua_toboolean(L, -1) && vm_state(vm) == VM_NEW &&
	    fixture_prepare(vm, opts, &err))
		bind_raise(L, &err);
	if (vm_boot(vm, opts, &accel, &err))
		bind_raise(L, &err);
	return 0;
}

/* --- calls to the guest, and other methods of a VM --- */

static void push_stream(lua_State *L, const struct vm_reply *reply, int stream)
{
	lua_pushlstring(L, (char *)reply->stream[stream].p, reply->stream[stream].len);
}

/*
 * Sets stream1 and stream2, the bytes of the reply's data frames, in the table
 * on top of the stack.
 */
static void set_streams(lua_State *L, const struct vm_reply *reply)
{
	for (int i = 1; i <= 2; i++) {
		push_stream(L, reply, i);
		lua_setfield(L, -2, i == 1 ? "stream1" : "stream2");
	}
}

/*
 * Pushes a reply as a table with stream1 and stream2; or nil and the fail
 * message.
 */
static int push_result(lua_State *L, const struct vm_call *call)
{
	const struct vm_reply *reply = vm_call_reply(call);

	if (reply->kind != WIRE_REPLY)
		lua_pushnil(L);
	bind_push_reply(L, vm_call_op(call), reply->kind, reply->payload.p,
			reply->payload.len);
	set_streams(L, reply);
	return reply->kind == WIRE_REPLY ? 1 : 2;
}

/*
 * Submits a call from the arguments vm, op, request, label, channel (1 to 5).
 */
static struct vm_call *submit(lua_State *L, enum wire_kind kind)
{
	struct vm *vm = bind_check_vm(L);
	const struct wire_op_desc *op = wire_op_by_name(luaL_checkstring(L, 2));
	const char *label = luaL_checkstring(L, 4), *payload;
	lua_Integer channel = luaL_optinteger(L, 5, WIRE_EXECUTOR);
	struct vm_call *call;
	struct err err;
	size_t len;

	luaL_argcheck(L, op, 2, "no such op");
	bind_encode(L, 3, op->req);
	payload = lua_tolstring(L, -1, &len);
	if (!op->supervisor)
		vm_note_call(vm, label);
	call = vm_submit(vm, op->supervisor ? WIRE_SUPERVISOR : (uint32_t)channel,
			 kind, op, payload, len, &err);
	if (!call) {
		err_context(&err, "%s", label);
		bind_raise(L, &err);
	}
	lua_pop(L, 1);
	return call;
}

/*
 * Pushes what a call to the guest returns; raises err if waiting for the call
 * has failed.
 */
static int finish(lua_State *L, struct vm_call *call, bool failed, const struct err *err)
{
	struct vm *vm = bind_check_vm(L);
	int n;

	if (failed) {
		bind_push_error(L, err);
		set_streams(L, vm_call_reply(call));
		vm_call_free(vm, call);
		return lua_error(L);
	}
	n = push_result(L, call);	/* if this raises an error, the VM still
					 * owns the call */
	vm_call_free(vm, call);
	return n;
}

static int await(lua_State *L, struct vm_call *call, int64_t deadline_ns, const char *label)
{
	struct err err;
	bool failed = vm_wait(bind_check_vm(L), call, deadline_ns, label, &err);

	return finish(L, call, failed, &err);
}

/*
 * vm:call(op, request, label, channel, seconds, blocked): returns the reply as
 * a table, with stream1 and stream2; or nil and the fail message.  Raises an
 * error if the VM dies or the time is over; its fields stream1 and stream2 are
 * what had arrived by then.  blocked: the limit of vm_limit_blocked(), or nil.
 */
static int l_call(lua_State *L)
{
	double seconds = luaL_checknumber(L, 6);
	double blocked_s = luaL_optnumber(L, 7, 0);
	struct vm_call *call = submit(L, WIRE_REQUEST);

	vm_limit_blocked(call, blocked_s);
	return await(L, call, vm_deadline(bind_check_vm(L), seconds), luaL_checkstring(L, 4));
}

/*
 * vm:show(op, request, label, channel, seconds, worker channel, fd): does the
 * same as vm:call(), but prints data frames on stdout and stderr as they
 * arrive, and copies stdin to that descriptor of a worker's (runner/vm/feed.h).
 */
static int l_show(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	int64_t deadline_ns = vm_deadline(vm, luaL_checknumber(L, 6));
	struct feed_pipe to = {
		(uint32_t)luaL_checkinteger(L, 7), (uint32_t)luaL_checkinteger(L, 8),
	};
	struct vm_call *call = submit(L, WIRE_ASYNC);
	struct err err;

	vm_call_print_data(call);
	return finish(L, call, feed_wait(vm, call, &to, deadline_ns,
					 luaL_checkstring(L, 4), &err), &err);
}

/*
 * vm:submit(op, request, label, channel): sends a request and returns its tag.
 */
static int l_submit(lua_State *L)
{
	lua_pushinteger(L, vm_call_tag(submit(L, WIRE_ASYNC)));
	return 1;
}

static struct vm_call *check_call(lua_State *L)
{
	struct vm_call *call = vm_find_call(bind_check_vm(L),
					    (uint32_t)luaL_checkinteger(L, 2));

	luaL_argcheck(L, call, 2, "no such call");
	return call;
}

/*
 * vm:await(tag, label, seconds, blocked): waits for the answer to vm:submit(),
 * and returns or raises what vm:call() would.  Can be called once for each tag.
 */
static int l_await(lua_State *L)
{
	double seconds = luaL_checknumber(L, 4), blocked_s = luaL_optnumber(L, 5, 0);
	struct vm_call *call = check_call(L);

	vm_limit_blocked(call, blocked_s);
	return await(L, call, vm_deadline(bind_check_vm(L), seconds), luaL_checkstring(L, 3));
}

/*
 * vm:next(tag, label, seconds, blocked): waits for output or the answer of a
 * call that was sent with vm:submit(). Returns false and the bytes of both
 * streams that have come since the last time; or what vm:await() does. The
 * seconds count from vm:submit() on.
 */
static int l_next(lua_State *L)
{
	double seconds = luaL_checknumber(L, 4), blocked_s = luaL_optnumber(L, 5, 0);
	struct vm *vm = bind_check_vm(L);
	struct vm_call *call = check_call(L);
	int64_t deadline_ns = vm_call_deadline(vm, call, seconds);

	vm_limit_blocked(call, blocked_s);
	if (!vm_wait_data(vm, call, deadline_ns))
		return await(L, call, deadline_ns, luaL_checkstring(L, 3));
	lua_pushboolean(L, false);
	push_stream(L, vm_call_reply(call), 1);
	push_stream(L, vm_call_reply(call), 2);
	vm_call_drop_data(call);
	return 3;
}

/* vm:arrived(tag): returns true if await() would not block. */
static int l_arrived(lua_State *L)
{
	lua_pushboolean(L, vm_call_done(bind_check_vm(L), check_call(L)));
	return 1;
}

/*
 * vm:shutdown(seconds): asks the guest to power off, and kills it after that
 * time.
 */
static int l_shutdown(lua_State *L)
{
	vm_shutdown(bind_check_vm(L), luaL_checknumber(L, 2));
	return 0;
}

static int l_kill(lua_State *L)
{
	vm_kill(bind_check_vm(L));
	return 0;
}

static int l_gc(lua_State *L)
{
	struct vm **vm = luaL_checkudata(L, 1, VM);

	vm_free(*vm);
	*vm = NULL;
	return 0;
}

static void push_buf(lua_State *L, struct buf *b)
{
	lua_pushlstring(L, (char *)b->p, b->len);
	buf_release(b);
}

/*
 * vm:console(from = 0): returns what the guest's console has printed from that
 * byte on, and the offset of the end.
 */
static int l_console(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct buf text = { 0 };
	off_t end = vm_read_console(vm, luaL_optinteger(L, 2, 0), &text);

	push_buf(L, &text);
	lua_pushinteger(L, end);
	return 2;
}

/*
 * vm:console_size(): returns the number of bytes that the console has printed.
 */
static int l_console_size(lua_State *L)
{
	lua_pushinteger(L, vm_console_size(bind_check_vm(L)));
	return 1;
}

/* vm:stderr(): returns what QEMU has printed to its stderr. */
static int l_stderr(lua_State *L)
{
	struct buf text = { 0 };

	vm_read_stderr(bind_check_vm(L), &text);
	push_buf(L, &text);
	return 1;
}

static void set_string(lua_State *L, const char *key, const char *value)
{
	if (value)
		lua_pushstring(L, value);
	else
		lua_pushnil(L);
	lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, key);
}

/* vm:info(): returns facts for reports and messages, as a table. */
static int l_info(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	const struct machine *m = vm_machine(vm);
	struct vm_info info;
	char line[1024];

	vm_info(vm, &info);
	lua_newtable(L);
	set_string(L, "profile", m->profile.name);
	set_string(L, "state", vm_state_name(vm));
	set_string(L, "release", info.kernel_release);
	set_string(L, "modules", m->profile.modules);
	set_string(L, "kernel_modules", m->profile.kernel_modules);
	set_string(L, "debug", m->profile.debug);
	set_string(L, "kernel", m->profile.kernel);
	set_string(L, "initrd", m->profile.initrd);
	set_string(L, "rootfs", m->profile.rootfs);
	set_string(L, "machine", m->profile.machine);
	set_string(L, "share", m->profile.share);
	set_string(L, "link", info.cid ? "vsock" : "serial");
	if (info.cid) {
		set_integer(L, "cid", info.cid);
		set_number(L, "connect_seconds", info.connect_s);
		set_integer(L, "connect_attempts", info.connect_attempts);
		set_integer(L, "connect_timeouts", info.connect_timeouts);
	}
	accel_line(&m->accel, m->profile.name, info.kernel_release, line, sizeof(line));
	set_string(L, "accel", m->accel.kind ? line : NULL);
	lua_pushboolean(L, info.panicked);
	lua_setfield(L, -2, "panicked");
	set_number(L, "slowness", vm_slowness(vm));
	set_number(L, "waited", info.waited_s);
	set_integer(L, "qemu_pid", info.qemu_pid);
	if (info.boot_s >= 0)
		set_number(L, "boot_seconds", info.boot_s);
	return 1;
}

/*
 * vm:death(): returns the reason why calls cannot be made, as an error object;
 * nil while they can be made.
 */
static int l_death(lua_State *L)
{
	struct err err = { 0 };

	if (!vm_check_running(bind_check_vm(L), &err))
		return 0;
	bind_push_error(L, &err);
	return 1;
}

/*
 * vm:watch_oops(on): whether an oops shortens the wait for calls; see
 * vm_watch_oops().
 */
static int l_watch_oops(lua_State *L)
{
	vm_watch_oops(bind_check_vm(L), lua_toboolean(L, 2));
	return 0;
}

static const luaL_Reg methods[] = {
	{ "boot", l_boot },
	{ "call", l_call },
	{ "show", l_show },
	{ "submit", l_submit },
	{ "await", l_await },
	{ "next", l_next },
	{ "arrived", l_arrived },
	{ "shutdown", l_shutdown },
	{ "kill", l_kill },
	{ "console", l_console },
	{ "console_size", l_console_size },
	{ "stderr", l_stderr },
	{ "info", l_info },
	{ "death", l_death },
	{ "watch_oops", l_watch_oops },
	{ "__gc", l_gc },
	{ NULL, NULL },
};

int bind_claim(lua_State *L)
{
	double waited;
	struct err err;

	if (gate_claim((uint64_t)luaL_checkinteger(L, 1),
		       (unsigned int)luaL_checkinteger(L, 2), &waited, &err)) {
		err_context(&err, "claim");
		bind_raise(L, &err);
	}
	lua_pushnumber(L, waited);
	return 1;
}

int bind_peak_memory(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)gate_peak());
	return 1;
}

int bind_vm_new(lua_State *L)
{
	const char *profile = luaL_checkstring(L, 1);
	struct vm **vm = lua_newuserdatauv(L, sizeof(*vm), 0);
	struct err err;

	*vm = NULL;
	if (luaL_newmetatable(L, VM)) {
		luaL_setfuncs(L, methods, 0);
		luaL_setfuncs(L, bind_fixture_methods, 0);
		luaL_setfuncs(L, bind_snapshot_methods, 0);
		luaL_setfuncs(L, bind_terminal_methods, 0);
		luaL_setfuncs(L, bind_debugger_methods, 0);
		luaL_setfuncs(L, bind_kept_methods, 0);
		luaL_setfuncs(L, bind_recording_methods, 0);
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "__index");
	}
	lua_setmetatable(L, -2);
	*vm = vm_new(profile, &err);
	if (!*vm)
		bind_raise(L, &err);
	return 1;
}
