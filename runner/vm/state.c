// SPDX-License-Identifier: GPL-2.0-only
/* What a VM owns, its state, and how it dies. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/qemu/console.h"
#include "runner/vm/internal.h"

#define TAIL_LINES 15

void vm_init(struct vm *vm)
{
	*vm = (struct vm){ .console_fd = -1, .stderr_fd = -1, .ram_fd = -1,
			   .gdb_fd = -1 };
	machine_init(&vm->machine);
	proc_init(&vm->qemu);
	qmp_init(&vm->qmp);
	conn_init(&vm->conn);
	vsock_init(&vm->vsock);
}

int vm_create(struct vm *vm, const char *profile, struct err *err)
{
	vm_init(vm);
	return profile_load(&vm->machine.profile, profile, err);
}

const char *vm_state_name(const struct vm *vm)
{
	static const char *const names[] = {
		[VM_NEW] = "not booted", [VM_BOOTING] = "booting",
		[VM_RUNNING] = "running", [VM_OFF] = "shut down",
		[VM_DEAD] = "dead",
	};

	return names[vm->state];
}

int vm_check_running(const struct vm *vm, struct err *err)
{
	if (vm->state == VM_RUNNING)
		return 0;
	if (vm->state == VM_DEAD && vm->death.kind)
		*err = vm->death;
	else
		err_set(err, ERR_USER, 0, "the VM (%s) is %s", vm->machine.profile.name,
			vm_state_name(vm));
	return -ENOTCONN;
}

/* --- death --- */

void vm_end_qemu(struct vm *vm)
{
	proc_release(&vm->qemu);
	qmp_release(&vm->qmp);
	conn_release(&vm->conn);
	vsock_release(&vm->vsock);
	if (vm->gdb_fd >= 0)
		close(vm->gdb_fd);
	vm->gdb_fd = -1;
	if (vm->registered)
		*vm->registered = NULL;
	vm->registered = NULL;
	gate_leave(&vm->pass);
}

/* The VM is dead; `why` is what is known.  The console's end is added. */
void vm_die(struct vm *vm, enum err_kind kind, const char *why)
{
	/* What a kernel's report of its own end can begin with. */
	static const char *const reports[] = {
		"BUG: ", "kernel BUG at ", "Oops: ", "general protection fault",
		"double fault", "Kernel panic - ", NULL
	};
	char tail[6144];

	if (vm->state == VM_DEAD || vm->state == VM_OFF)
		return;
	vm_end_qemu(vm);
	console_tail(vm->console_fd, TAIL_LINES, reports, tail, sizeof(tail));
	err_set(&vm->death, kind, 0, "%s", why);
	err_add_console(&vm->death, tail);
	vm->state = VM_DEAD;
}

/* QEMU has ended: was it the guest's doing, or QEMU's? */
void vm_qemu_ended(struct vm *vm)
{
	static const char *const panic[] = { "Kernel panic - ", NULL };
	char line[512], said[512], why[1200];
	int status = vm->qemu.status;

	console_find(vm->console_fd, panic, line, sizeof(line));
	console_tail(vm->stderr_fd, 3, NULL, said, sizeof(said));
	vm->panicked = *line;
	if (vm->panicked)
		snprintf(why, sizeof(why), "the guest panicked: %s", line);
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "QEMU was killed by signal %d (%s)%s%s",
			 WTERMSIG(status), strsignal(WTERMSIG(status)),
			 *said ? ":" : "", said);
	else if (WEXITSTATUS(status))
		snprintf(why, sizeof(why), "QEMU exited with status %d:%s",
			 WEXITSTATUS(status), *said ? said : " it said nothing");
	else
		snprintf(why, sizeof(why), "the guest reset or powered off");
	vm_die(vm, vm->panicked || !status ? ERR_GUEST : ERR_BROKEN, why);
}

/* QEMU has stopped the guest by itself: a disk that is full, memory that is not there. */
void vm_qemu_stopped(struct vm *vm)
{
	static const char *const words[] = {
		"kvm run failed", "KVM internal error", NULL
	};
	char line[512], why[1200];

	console_find(vm->stderr_fd, words, line, sizeof(line));
	snprintf(why, sizeof(why), "QEMU stopped the machine: %s%s%s",
		 *vm->qmp.disk_error ? "writing to a disk: " : "",
		 *vm->qmp.disk_error ? vm->qmp.disk_error : line,
		 *vm->qmp.disk_error || *line ? "" : "it did not say why");
	vm_die(vm, ERR_BROKEN, why);
}
