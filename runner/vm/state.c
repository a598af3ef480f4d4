// SPDX-License-Identifier: GPL-2.0-only
/* What a VM owns, its state, and how it dies. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/complaint/parser.h"
#include "runner/qemu/console.h"
#include "runner/vm/internal.h"

#define TAIL_LINES 15
#define STDERR_TAIL_LINES 3

struct vm *vm_new(const char *profile, struct err *err)
{
	struct vm *vm = xcalloc(1, sizeof(*vm));

	vm->output.console_fd = vm->output.stderr_fd = -1;
	vm->ram.fd = -1;
	vm->random.seed.gdb_fd = -1;
	vm->recording.log_fd = -1;
	machine_init(&vm->machine);
	proc_init(&vm->qemu.proc);
	qmp_init(&vm->qemu.qmp);
	conn_init(&vm->link.conn);
	vsock_init(&vm->link.vsock);
	if (!profile_load(&vm->machine.profile, profile, err))
		return vm;
	free(vm);
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vm_end_qemu(struct vm *vm)
{
	vm_end_recording(vm);
	proc_release(&vm->qemu.proc);
	qmp_release(&vm->qemu.qmp);
	conn_release(&vm->link.conn);
	vsock_release(&vm->link.vsock);
	close_fd(&vm->random.seed.gdb_fd);
	vm->debug.on = vm->debug.keeps_corpse = false;
	if (vm->spare.slot)
		*vm->spare.slot = NULL;
	vm->spare.slot = NULL;
	gate_leave(&vm->gate.pass);
}

const struct vm_visitors *vm_visitors;

void vm_set_visitors(const struct vm_visitors *visitors)
{
	vm_visitors = visitors;
}

static void tell_visitors(struct vm *vm)
{
	if (vm_visitors)
		vm_visitors->ended(vm);
}

void vm_kill(struct vm *vm)
{
	vm_end_qemu(vm);
	if (vm->state == VM_RUNNING || vm->state == VM_BOOTING)
		vm->state = VM_OFF;
	tell_visitors(vm);
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	vm_kill(vm);
	if (vm_visitors)
		vm_visitors->freed(vm);
	while (vm->calls.list)
		vm_call_free(vm, vm->calls.list);
	complaint_parser_free(vm->oops.parser);
	machine_release(&vm->machine);
	close_fd(&vm->output.console_fd);
	close_fd(&vm->output.stderr_fd);
	close_fd(&vm->ram.fd);
	close_fd(&vm->recording.log_fd);
	free(vm);
}

/* --- facts about a VM --- */

enum vm_state vm_state(const struct vm *vm)
{
	return vm->state;
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
	if (vm->state == VM_DEAD && vm->death.err.kind)
		*err = vm->death.err;
	else
		err_set(err, ERR_USER, 0, "the VM (%s) is %s",
			vm->machine.profile.name, vm_state_name(vm));
	return -ENOTCONN;
}

const struct machine *vm_machine(const struct vm *vm)
{
	return &vm->machine;
}

double vm_slowness(const struct vm *vm)
{
	double slowness = vm->machine.accel.slowness;

	return slowness >= 1 ? slowness : 1;
}

void vm_info(const struct vm *vm, struct vm_info *info)
{
	const struct vsock *v = &vm->link.vsock;

	*info = (struct vm_info){
		.kernel_release = vm->kernel_release,
		.qemu_pid = vm->qemu.proc.pid, .waited_s = vm->gate.waited_s,
		.panicked = vm->death.panicked, .cid = v->cid,
		.connect_s = v->connect_s, .connect_attempts = v->attempts,
		.connect_timeouts = v->timeouts,
		.boot_s = -1,
	};
	if (vm->link.ready)
		info->boot_s = (double)(vm->link.ready_ns - vm->qemu.start_ns) / 1e9;
}

off_t vm_console_size(const struct vm *vm)
{
	return console_size(vm->output.console_fd);
}

off_t vm_read_console(const struct vm *vm, off_t from, struct buf *to)
{
	return console_read(vm->output.console_fd, from, to);
}

void vm_read_stderr(const struct vm *vm, struct buf *to)
{
	console_read(vm->output.stderr_fd, 0, to);
}

/* --- the death of a VM --- */

/* Marks the VM dead, for a reason that needs no lines of the console. */
static void die_without_console(struct vm *vm, enum err_kind kind, const char *reason)
{
	if (!vm->debug.keeps_corpse || proc_ended(&vm->qemu.proc))
		vm_end_qemu(vm);
	err_set(&vm->death.err, kind, 0, "%s", reason);
	vm->state = VM_DEAD;
	tell_visitors(vm);
}

void vm_die(struct vm *vm, enum err_kind kind, const char *reason)
{
	/* The beginnings of a kernel's report on its own crash. */
	static const char *const reports[] = {
		"BUG: ", "kernel BUG at ", "Oops: ", "general protection fault",
		"double fault", "Kernel panic - ", NULL
	};
	char tail[6144];

	if (vm->state == VM_DEAD || vm->state == VM_OFF)
		return;
	console_tail(vm->output.console_fd, TAIL_LINES, reports, tail, sizeof(tail));
	die_without_console(vm, kind, reason);
	err_add_console(&vm->death.err, tail);
}

/*
 * If the panic is the end of an agent that gave up, marks the VM dead for the
 * agent's last words, and returns true.
 */
static bool agent_gave_up(struct vm *vm, const char *panic)
{
	static const char *const last_words[] = { WIRE_LAST_WORDS, NULL };
	char words[512], reason[600];

	console_find(vm->output.console_fd, last_words, words, sizeof(words));
	if (!*words || !strstr(panic, "Attempted to kill init"))
		return false;
	snprintf(reason, sizeof(reason), "the agent cannot go on: %s",
		 words + strlen(WIRE_LAST_WORDS));
	die_without_console(vm, ERR_GUEST, reason);
	return true;
}

void vm_qemu_ended(struct vm *vm)
{
	static const char *const panic[] = { "Kernel panic - ", NULL };
	static const char *const told[] = { "terminating on signal", NULL };
	char line[512], signal_line[512], said[512], reason[1200];
	int status = vm->qemu.proc.status;
	bool is_guests;

	if (vm->state == VM_DEAD || vm->state == VM_OFF)
		return;
	console_find(vm->output.console_fd, panic, line, sizeof(line));
	console_find(vm->output.stderr_fd, told, signal_line, sizeof(signal_line));
	console_tail(vm->output.stderr_fd, STDERR_TAIL_LINES, NULL, said, sizeof(said));
	vm->death.panicked = *line && !vm->death.hung;
	if (vm->death.panicked && agent_gave_up(vm, line))
		return;
	if (vm->death.hung)
		snprintf(reason, sizeof(reason), "%s", VM_HANGS);
	else if (vm->death.panicked)
		snprintf(reason, sizeof(reason), "the guest panicked: %s", line);
	else if (WIFSIGNALED(status))
		snprintf(reason, sizeof(reason), "QEMU was killed by signal %d (%s)%s%s",
			 WTERMSIG(status), strsignal(WTERMSIG(status)),
			 *said ? ":" : "", said);
	else if (*signal_line)
		snprintf(reason, sizeof(reason), "QEMU ended: %s", signal_line);
	else if (WEXITSTATUS(status))
		snprintf(reason, sizeof(reason), "QEMU exited with status %d:%s",
			 WEXITSTATUS(status), *said ? said : " it printed no error");
	else
		snprintf(reason, sizeof(reason), "the guest reset or powered off");
	is_guests = vm->death.panicked || vm->death.hung || (!status && !*signal_line);
	vm_die(vm, is_guests ? ERR_GUEST : ERR_BROKEN, reason);
}

/*
 * QEMU stops a guest on its own if a disk image cannot grow, or KVM cannot
 * continue.
 */
void vm_qemu_stopped(struct vm *vm)
{
	static const char *const words[] = {
		"kvm run failed", "KVM internal error", NULL
	};
	const char *disk_error = vm->qemu.qmp.disk_error;
	char line[512], reason[1200];

	console_find(vm->output.stderr_fd, words, line, sizeof(line));
	snprintf(reason, sizeof(reason), "QEMU stopped the machine: %s%s",
		 *disk_error ? "writing to a disk: " : "",
		 *disk_error ? disk_error : *line ? line : "it reported no reason");
	vm_die(vm, ERR_BROKEN, reason);
}
