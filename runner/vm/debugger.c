// SPDX-License-Identifier: GPL-2.0-only
/* A debugger on a VM; see debugger.h. */
#include <errno.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/qemu/migrate.h"
#include "runner/vm/debugger.h"
#include "runner/vm/internal.h"

/* QEMU's name for the descriptor of the debugger's socket. */
#define SOCKET_FD "debugger"

static int command(struct vm *vm, const char *name, json_t *arguments, struct err *err)
{
	return migrate_command(&vm->qemu.qmp, &vm->qemu.proc, name, arguments,
			       deadline_in(GRACE_S * vm_slowness(vm)), err);
}

int vm_keep_corpse(struct vm *vm, bool on, struct err *err)
{
	int ret;

	if (on == vm->debug.keeps_corpse)
		return 0;
	ret = command(vm, "set-action", json_pack("{s:s}", "shutdown", on ? "pause" : "poweroff"),
		      err);
	vm->debug.keeps_corpse = on && !ret;
	return ret;
}

bool vm_can_debug(const struct vm *vm)
{
	return vm->qemu.proc.pid && vm->qemu.qmp.fd >= 0;
}

/* Starts QEMU's gdb stub on a character device; "none" ends it. */
static int run_gdbserver(struct vm *vm, const char *device, struct err *err)
{
	char line[64];
	const char *said;
	int ret;

	snprintf(line, sizeof(line), "gdbserver %s", device);
	ret = command(vm, "human-monitor-command", json_pack("{s:s}", "command-line", line), err);
	said = json_string_value(vm->qemu.qmp.answer);
	if (!ret && said && strstr(said, "Could not"))
		ret = err_set(err, ERR_BROKEN, -EIO, "QEMU's gdb stub: %.*s",
			      (int)strcspn(said, "\r\n"), said);
	return ret;
}

int vm_debug_start(struct vm *vm, int socket_fd, bool listens, struct err *err)
{
	char device[32];
	const char *id = device + strlen("chardev:");
	int ret;

	snprintf(device, sizeof(device), "chardev:debugger%u", vm->debug.nr_stubs++);
	qmp_send_fd(&vm->qemu.qmp, "getfd", json_pack("{s:s}", "fdname", SOCKET_FD), socket_fd);
	ret = command(vm, "chardev-add",
		      json_pack("{s:s, s:{s:s, s:{s:{s:s, s:{s:s}}, s:b}}}",
				"id", id, "backend", "type", "socket",
				"data", "addr", "type", "fd", "data", "str", SOCKET_FD,
				"server", (int)listens), err);
	if (!ret)
		ret = run_gdbserver(vm, device, err);
	/* The guest must not run in the moment that gdb needs to connect. */
	vm->debug.on = !ret;
	return ret ? ret : command(vm, "stop", NULL, err);
}

void vm_debug_end(struct vm *vm)
{
	struct err ignored;

	if (!vm->debug.on)
		return;
	if (!run_gdbserver(vm, "none", &ignored) && vm->state == VM_RUNNING)
		command(vm, "cont", NULL, &ignored);
	vm->debug.on = false;
}

int64_t vm_call_deadline(const struct vm *vm, const struct vm_call *call, double seconds)
{
	return vm->debug.on ? DEADLINE_NEVER :
	       call->sent_ns + (int64_t)(seconds * vm_slowness(vm) * 1e9);
}

int64_t vm_deadline(const struct vm *vm, double seconds)
{
	return vm->debug.on ? DEADLINE_NEVER : deadline_in(seconds * vm_slowness(vm));
}
