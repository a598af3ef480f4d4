// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's start: the kernel's command line, the disks, the lines, the process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/qemu/console.h"
#include "runner/machine/initrd.h"
#include "runner/vm/launch.h"

static int open_lines(struct vm *vm, int qmp[2], int link[2], struct err *err)
{
	bool vsock = vm->machine.accel.transport == TRANSPORT_VSOCK;

	qmp[0] = qmp[1] = link[0] = link[1] = -1;
	if (vm->console_fd < 0)
		vm->console_fd = console_open("console");
	if (vm->stderr_fd < 0)
		vm->stderr_fd = console_open("qemu-stderr");
	if (vm->console_fd < 0 || vm->stderr_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) ||
	    (!vsock && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link)))
		return err_set(err, ERR_BROKEN, -errno, "lines to QEMU: %s",
			       strerror(errno));
	return vsock ? vsock_take_cid(&vm->vsock, err) : 0;
}

static struct qemu_config config_of(const struct vm *vm)
{
	struct qemu_config config = machine_config(&vm->machine);

	config.ram_in_file = vm->ram_fd >= 0;
	config.ram_fd = vm->ram_fd;
	config.ram_shared = vm->ram_shared;
	config.ram_named = vm->ram_named;
	return config;
}

/* Everything QEMU inherits; the list is the caller's to free. */
static int *inherited(const struct vm *vm, const struct qemu_config *config,
		      const struct qemu_fds *fds, int initrd_fd, size_t *nr)
{
	int *list = xcalloc(7 + 2 * vm->machine.opts.nr_disks, sizeof(*list));
	size_t n = 0;

	list[n++] = fds->qmp;
	list[n++] = fds->link;
	list[n++] = fds->console;
	list[n++] = initrd_fd;
	list[n++] = vm->ram_fd;
	list[n++] = config->gdb_fd;
	list[n++] = vm->vsock.vhost_fd;
	for (size_t i = 0; i < vm->machine.opts.nr_disks; i++) {
		const struct disk *d = &vm->machine.opts.disks[i];

		list[n++] = d->layer_fd;
		list[n++] = d->backing_fd;
	}
	*nr = n;
	return list;
}

static int start(struct vm *vm, struct qemu_config *config,
		 const struct qemu_fds *fds, int initrd_fd, struct err *err)
{
	struct argv argv = { 0 };
	int ret = argv_build(&argv, config, fds, err);
	size_t nr;
	int *list;

	if (ret)
		return ret;
	list = inherited(vm, config, fds, initrd_fd, &nr);
	vm->start_ns = clock_ns();
	ret = proc_start(&vm->qemu, argv.v, list, nr, vm->stderr_fd, err);
	free(list);
	argv_release(&argv);
	return ret;
}

static int launch(struct vm *vm, bool incoming, int gdb_fd, struct err *err)
{
	struct qemu_config config;
	char initrd[4096], *append;
	int qmp[2], link[2], initrd_fd = -1, ret;

	if (!incoming)
		machine_add_rootfs(&vm->machine);
	append = machine_kernel_args(&vm->machine);
	config = config_of(vm);
	config.initrd = initrd;
	config.append = append;
	config.incoming = incoming;
	config.gdb_fd = gdb_fd;
	config.seed = (uint32_t)(vm->seed ^ vm->seed >> 32);
	ret = open_lines(vm, qmp, link, err);
	config.cid = vm->vsock.cid;
	config.vhost_fd = vm->vsock.vhost_fd;
	if (!ret && !incoming)
		ret = initrd_open(&vm->machine.profile, &vm->machine.opts, &initrd_fd, initrd,
				  sizeof(initrd), err);
	if (!ret) {
		struct qemu_fds fds = { qmp[1], link[1], vm->console_fd };

		ret = start(vm, &config, &fds, initrd_fd, err);
	}
	if (qmp[1] >= 0)
		close(qmp[1]);
	if (link[1] >= 0)
		close(link[1]);
	if (initrd_fd >= 0)
		close(initrd_fd);
	if (qmp[0] >= 0)
		qmp_open(&vm->qmp, qmp[0]);
	if (link[0] >= 0)
		conn_open(&vm->conn, link[0]);
	vsock_handed_over(&vm->vsock);
	if (!ret && !incoming)
		vsock_dial(&vm->vsock, VM_PATIENCE * vm->machine.accel.slowness);
	free(append);
	return ret;
}

int launch_qemu(struct vm *vm, bool incoming, struct err *err)
{
	return launch(vm, incoming, -1, err);
}

int launch_seeded(struct vm *vm, struct err *err)
{
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(err, ERR_BROKEN, -errno, "socketpair: %s",
			       strerror(errno));
	vm->gdb_fd = pair[0];
	ret = launch(vm, true, pair[1], err);
	close(pair[1]);
	return ret;
}
