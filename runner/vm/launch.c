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

static char *command_line(const struct vm *vm)
{
	const struct profile *p = &vm->profile;
	struct buf b = { 0 };

	/* reboot=t and panic=-1: a panic becomes a reset, which ends QEMU. */
	buf_addf(&b, "console=ttyS0 panic=-1 reboot=t rdinit=/.provium/agent");
	/*
	 * Under TCG the guest's TSC is the host's.  microvm has nothing good to
	 * calibrate or watch it with: told nothing, the kernel hangs now and
	 * then, or calls it unstable when the host is busy.
	 */
	if (!strcmp(vm->accel.kind, "tcg") && vm->accel.tsc_khz)
		buf_addf(&b, " tsc_early_khz=%u tsc=reliable", vm->accel.tsc_khz);
	/* Calibrating it takes 0.2 s; one processor does as well without. */
	if (!strcmp(vm->accel.kind, "tcg") && vm->opts.cpus == 1 &&
	    !strcmp(p->machine, "microvm"))
		buf_addf(&b, " nolapic_timer");
	if (p->rootfs)
		buf_addf(&b, " provium.root=/dev/vda");
	else if (p->share)
		buf_addf(&b, " provium.root=9p:" QEMU_SHARE_TAG);
	if (p->init)
		buf_addf(&b, " provium.init=%s", p->init);
	if (*p->append)
		buf_addf(&b, " %s", p->append);
	if (vm->opts.append && *vm->opts.append)
		buf_addf(&b, " %s", vm->opts.append);
	return buf_str(&b);
}

/* The profile's root file system is the first disk. */
static void add_rootfs(struct vm *vm)
{
	struct vm_opts *o = &vm->opts;
	struct disk *disks;

	if (!vm->profile.rootfs)
		return;
	disks = xcalloc(o->nr_disks + 1, sizeof(*disks));
	disks[0] = (struct disk){
		.path = xstrdup(vm->profile.rootfs), .format = xstrdup("raw"),
		.readonly = true,
	};
	if (o->nr_disks)
		memcpy(disks + 1, o->disks, o->nr_disks * sizeof(*disks));
	free(o->disks);
	o->disks = disks;
	o->nr_disks++;
}

static int open_lines(struct vm *vm, int qmp[2], int link[2], struct err *err)
{
	bool vsock = !strcmp(vm->accel.link, "vsock");

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
	return (struct qemu_config){
		.binary = "qemu-system-x86_64", .accel = vm->accel.kind,
		.machine = vm->profile.machine, .kernel = vm->profile.kernel,
		.memory = vm->opts.memory, .cpus = vm->opts.cpus,
		.disks = vm->opts.disks, .nr_disks = vm->opts.nr_disks,
		.ram_in_file = vm->ram_fd >= 0, .ram_fd = vm->ram_fd,
		.ram_shared = vm->ram_shared, .ram_named = vm->ram_named,
		.share = vm->profile.share, .cpu = vm->profile.cpu,
	};
}

char *launch_describe(const struct vm *vm, struct err *err)
{
	struct disk *disks = xcalloc(vm->opts.nr_disks + 1, sizeof(*disks));
	struct qemu_config config = config_of(vm);
	struct qemu_fds fds = { 0, 0, 0 };
	struct vm plain = *vm;
	struct buf b = { 0 };
	struct argv argv;
	char *append;

	plain.accel.tsc_khz = plain.accel.tsc_khz ? 1 : 0;
	append = command_line(&plain);
	config.kernel = config.initrd = "";
	config.append = append;
	config.ram_in_file = config.ram_named = false;
	config.cid = !strcmp(vm->accel.link, "vsock");
	for (size_t i = 0; i < vm->opts.nr_disks; i++) {
		disks[i] = vm->opts.disks[i];
		disks[i].layer_fd = disks[i].backing_fd = 0;
	}
	config.disks = disks;
	if (!argv_build(&argv, &config, &fds, err)) {
		for (size_t i = 0; i < argv.n; i++)
			buf_addf(&b, "%s\n", argv.v[i]);
		argv_release(&argv);
	}
	free(disks);
	free(append);
	return b.len ? buf_str(&b) : NULL;
}

/* Everything QEMU inherits; the list is the caller's to free. */
static int *inherited(const struct vm *vm, const struct qemu_config *config,
		      const struct qemu_fds *fds, int initrd_fd, size_t *nr)
{
	int *list = xcalloc(7 + 2 * vm->opts.nr_disks, sizeof(*list));
	size_t n = 0;

	list[n++] = fds->qmp;
	list[n++] = fds->link;
	list[n++] = fds->console;
	list[n++] = initrd_fd;
	list[n++] = vm->ram_fd;
	list[n++] = config->gdb_fd ? config->gdb_fd : -1;
	list[n++] = vm->vsock.vhost_fd;
	for (size_t i = 0; i < vm->opts.nr_disks; i++) {
		const struct disk *d = &vm->opts.disks[i];

		list[n++] = d->layer_fd ? d->layer_fd : -1;
		list[n++] = d->backing_fd ? d->backing_fd : -1;
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
		add_rootfs(vm);
	append = command_line(vm);
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
		ret = initrd_open(&vm->profile, &vm->opts, &initrd_fd, initrd,
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
		vsock_dial(&vm->vsock, VM_PATIENCE * vm->accel.slowness);
	free(append);
	return ret;
}

int launch_qemu(struct vm *vm, bool incoming, struct err *err)
{
	return launch(vm, incoming, 0, err);
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
