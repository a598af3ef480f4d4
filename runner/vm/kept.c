// SPDX-License-Identifier: GPL-2.0-only
/* A VM that stays, stopped, after its test has failed; see kept.h. */
#include <errno.h>

#include "runner/base/deadline.h"
#include "runner/qemu/migrate.h"
#include "runner/vm/debugger.h"
#include "runner/vm/internal.h"
#include "runner/vm/kept.h"

static int command(struct vm *vm, const char *name, struct err *err)
{
	return migrate_command(&vm->qemu.qmp, &vm->qemu.proc, name, NULL,
			       deadline_in(GRACE_S * vm_slowness(vm)), err);
}

int vm_keep(struct vm *vm, struct err *err)
{
	int ret;

	if (!vm_can_debug(vm))
		return err_set(err, ERR_USER, -ENOTCONN, "its QEMU has ended");
	ret = gate_may_keep(&vm->gate.pass, err);
	if (ret)
		return ret;
	vm->kept = true;
	ret = command(vm, "stop", err);
	if (ret)
		vm->kept = false;
	else if (vm->state == VM_RUNNING)
		vm->state = VM_OFF;
	return ret;
}

int vm_kept_run(struct vm *vm, bool run, struct err *err)
{
	int ret;

	if (vm->state == VM_DEAD)
		return vm_check_running(vm, err);
	ret = command(vm, run ? "cont" : "stop", err);
	if (!ret)
		vm->state = run ? VM_RUNNING : VM_OFF;
	return ret;
}
