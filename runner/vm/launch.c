// SPDX-License-Identifier: GPL-2.0-only
/* The start of QEMU: its connections, its descriptors, its process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/machine/initrd.h"
#include "runner/qemu/console.h"
#include "runner/vm/internal.h"

/* Socket pairs to QEMU: [0] is the runner's end, [1] QEMU's; -1: none. */
struct lines {
	int qmp[2];
	int link[2];
	int gdb[2];
	int initrd_fd;
};

static int open_pair(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

static int open_lines(struct vm *vm, struct lines *l, enum launch how, struct err *err)
{
	bool vsock = vm->machine.accel.transport == TRANSPORT_VSOCK;

	*l = (struct lines){ { -1, -1 }, { -1, -1 }, { -1, -1 }, -1 };
	if (vm->output.console_fd < 0)
		vm->output.console_fd = console_open("console");
	if (vm->output.stderr_fd < 0)
		vm->output.stderr_fd = console_open("qemu-stderr");
	if (vm->output.console_fd < 0 || vm->output.stderr_fd < 0 ||
	    open_pair(l->qmp) || (!vsock && open_pair(l->link)) ||
	    (how == LAUNCH_INCOMING_GDB && open_pair(l->gdb)))
		return err_set(err, ERR_BROKEN, -errno,
			       "cannot create the connections to QEMU: %s%s",
			       strerror(errno), err_limit_advice(errno));
	return vsock ? vsock_take_cid(&vm->link.vsock, err) : 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/*
 * Closes QEMU's ends of the socket pairs, after QEMU has inherited them or
 * could not be started.
 */
static void close_qemu_ends(struct vm *vm, struct lines *l)
{
	close_fd(l->qmp[1]);
	close_fd(l->link[1]);
	close_fd(l->gdb[1]);
	close_fd(l->initrd_fd);
	vsock_handed_over(&vm->link.vsock);
}

static void keep_own_ends(struct vm *vm, const struct lines *l)
{
	if (l->qmp[0] >= 0)
		qmp_open(&vm->qemu.qmp, l->qmp[0]);
	if (l->link[0] >= 0)
		conn_open(&vm->link.conn, l->link[0]);
	vm->random.seed.gdb_fd = l->gdb[0];
}

/*
 * Returns the list of all descriptors that QEMU inherits; the caller frees it.
 */
static int *inherited(const struct vm *vm, const struct lines *l, size_t *nr)
{
	const struct vm_opts *o = &vm->machine.opts;
	int *list = xcalloc(8 + 2 * o->nr_disks, sizeof(*list));
	size_t n = 0;

	list[n++] = l->qmp[1];
	list[n++] = l->link[1];
	list[n++] = l->gdb[1];
	list[n++] = l->initrd_fd;
	list[n++] = vm->output.console_fd;
	list[n++] = vm->ram.fd;
	list[n++] = vm->link.vsock.vhost_fd;
	list[n++] = vm->recording.log_fd;
	for (size_t i = 0; i < o->nr_disks; i++) {
		const struct disk *d = &o->disks[i];

		list[n++] = d->layer_fd;
		list[n++] = d->backing_fd;
	}
	*nr = n;
	return list;
}

static struct qemu_config config_of(const struct vm *vm, const struct lines *l,
				    enum launch how)
{
	struct qemu_config config = machine_config(&vm->machine);
	uint64_t seed = vm->random.seed.value;

	config.incoming = how != LAUNCH_BOOT;
	config.ram_in_file = vm->ram.fd >= 0;
	config.ram_fd = vm->ram.fd;
	config.ram_shared = vm->ram.shared;
	config.ram_named = vm->ram.named;
	config.gdb_fd = l->gdb[1];
	config.seed = (uint32_t)(seed ^ seed >> 32);
	config.rr = vm->recording.rr;
	config.log_fd = vm->recording.log_fd;
	config.shift = vm->recording.shift;
	config.cid = vm->link.vsock.cid;
	config.vhost_fd = vm->link.vsock.vhost_fd;
	return config;
}

static int start(struct vm *vm, const struct lines *l, const char *initrd,
		 enum launch how, struct err *err)
{
	struct qemu_fds ends = { l->qmp[1], l->link[1], vm->output.console_fd };
	struct qemu_config config = config_of(vm, l, how);
	char *append = machine_kernel_args(&vm->machine);
	struct argv argv = { 0 };
	size_t nr;
	int *fds = inherited(vm, l, &nr), ret;

	config.initrd = initrd;
	config.append = append;
	ret = argv_build(&argv, &config, &ends, err);
	if (!ret) {
		vm->qemu.start_ns = clock_ns();
		ret = proc_start(&vm->qemu.proc, argv.v, fds, nr,
				 vm->output.stderr_fd, err);
	}
	argv_release(&argv);
	free(append);
	free(fds);
	return ret;
}

/*
 * Notes hashes of what a recorded guest boots from, by which a replay notices
 * that it has changed.
 */
static int hash_inputs(struct vm *vm, const char *initrd, struct err *err)
{
	const char *kernel = vm->machine.profile.kernel;
	int ret = hash_file(kernel, vm->recording.kernel);

	if (!ret)
		ret = hash_file(initrd, vm->recording.initrd);
	return ret ? err_set(err, ERR_BROKEN, ret, "cannot read %s or its initramfs: %s",
			     kernel, strerror(-ret)) : 0;
}

int vm_launch(struct vm *vm, enum launch how, struct err *err)
{
	struct lines l;
	char initrd[4096];
	int ret;

	if (how == LAUNCH_BOOT)
		machine_add_rootfs(&vm->machine);
	ret = open_lines(vm, &l, how, err);
	if (!ret && how == LAUNCH_BOOT)
		ret = initrd_open(&vm->machine.profile, &vm->machine.opts,
				  &l.initrd_fd, initrd, sizeof(initrd), err);
	if (!ret && vm->recording.rr)
		ret = hash_inputs(vm, initrd, err);
	if (!ret)
		ret = start(vm, &l, initrd, how, err);
	close_qemu_ends(vm, &l);
	keep_own_ends(vm, &l);
	if (ret)
		return ret;
	gate_started(&vm->gate.pass, vm->qemu.proc.pid);
	if (how == LAUNCH_BOOT)
		vsock_dial(&vm->link.vsock, VSOCK_ATTEMPT_S * vm->machine.accel.slowness);
	return 0;
}
