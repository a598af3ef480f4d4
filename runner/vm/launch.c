// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's start: the kernel's command line, the disks, the lines, the process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/qemu/console.h"
#include "runner/vm/initrd.h"
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
	if (p->init)
		buf_addf(&b, " provium.init=%s", p->init);
	if (*p->append)
		buf_addf(&b, " %s", p->append);
	if (vm->opts.append)
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
	qmp[0] = qmp[1] = link[0] = link[1] = -1;
	vm->console_fd = console_open("console");
	vm->stderr_fd = console_open("qemu-stderr");
	if (vm->console_fd < 0 || vm->stderr_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link))
		return err_set(err, ERR_BROKEN, -errno, "lines to QEMU: %s",
			       strerror(errno));
	return 0;
}

int launch_qemu(struct vm *vm, struct err *err)
{
	char initrd[4096], *append = command_line(vm);
	int qmp[2], link[2], initrd_fd = -1, ret;
	struct argv argv = { 0 };

	add_rootfs(vm);
	ret = open_lines(vm, qmp, link, err);
	if (!ret)
		ret = initrd_open(&vm->profile, &vm->opts, &initrd_fd, initrd,
				  sizeof(initrd), err);
	if (!ret) {
		struct qemu_config config = {
			.binary = "qemu-system-x86_64", .accel = vm->accel.kind,
			.machine = vm->profile.machine,
			.kernel = vm->profile.kernel, .initrd = initrd,
			.append = append, .memory = vm->opts.memory,
			.cpus = vm->opts.cpus, .disks = vm->opts.disks,
			.nr_disks = vm->opts.nr_disks,
		};
		struct qemu_fds fds = { qmp[1], link[1], vm->console_fd };

		ret = argv_build(&argv, &config, &fds, err);
	}
	if (!ret) {
		int fds[] = { qmp[1], link[1], vm->console_fd, initrd_fd };

		vm->start_ns = clock_ns();
		ret = proc_start(&vm->qemu, argv.v, fds,
				 sizeof(fds) / sizeof(fds[0]), vm->stderr_fd, err);
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
		chan_open(&vm->chan, link[0]);
	argv_release(&argv);
	free(append);
	return ret;
}
