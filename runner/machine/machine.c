// SPDX-License-Identifier: GPL-2.0-only
/*
 * Derives the arguments of QEMU and of the kernel from the description of a
 * machine.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/machine/machine.h"

void machine_init(struct machine *m)
{
	*m = (struct machine){ 0 };
	profile_init(&m->profile);
}

void machine_release(struct machine *m)
{
	vm_opts_release(&m->opts);
	profile_release(&m->profile);
}

void machine_add_rootfs(struct machine *m)
{
	struct vm_opts *o = &m->opts;
	struct disk *disks;

	if (!m->profile.rootfs)
		return;
	disks = xcalloc(o->nr_disks + 1, sizeof(*disks));
	disks[0] = (struct disk){
		.path = xstrdup(m->profile.rootfs), .format = xstrdup("raw"),
		.readonly = true, .layer_fd = -1, .backing_fd = -1,
	};
	if (o->nr_disks)
		memcpy(disks + 1, o->disks, o->nr_disks * sizeof(*disks));
	free(o->disks);
	o->disks = disks;
	o->nr_disks++;
}

static char *kernel_args(const struct machine *m, bool know_tsc)
{
	const struct profile *p = &m->profile;
	struct buf b = { 0 };

	/* reboot=t and panic=-1: a panic becomes a reset, which ends QEMU. */
	buf_addf(&b, "console=ttyS0 panic=-1 reboot=t rdinit=/.provium/agent");
	/*
	 * On a panic all processors show their stacks: of a guest that hangs,
	 * only processor 0 gets QEMU's NMI.  PANIC_PRINT_ALL_CPU_BT is since
	 * Linux 5.18; older kernels ignore it.
	 */
	if (m->opts.cpus > 1)
		buf_addf(&b, " panic_print=0x40");
	/*
	 * Under TCG the guest's TSC is the host's, and microvm has no clock
	 * that is good enough to calibrate or check it.  Without tsc_early_khz=
	 * the kernel sometimes hangs; without tsc=reliable the kernel calls the
	 * TSC unstable on a busy host.
	 */
	if (m->accel.kind == ACCEL_TCG && m->accel.tsc_khz)
		buf_addf(&b, " tsc_early_khz=%u tsc=reliable",
			 know_tsc ? m->accel.tsc_khz : 1);
	/*
	 * The kernel counts ticks to check the timer; on a busy host it counts
	 * too few, and panics ("IO-APIC + timer doesn't work!").
	 */
	if (m->accel.kind == ACCEL_TCG)
		buf_addf(&b, " no_timer_check");
	/*
	 * Calibrating the APIC timer takes 0.2 s, and a guest with one
	 * processor does not need it.
	 */
	if (m->accel.kind == ACCEL_TCG && m->opts.cpus == 1 &&
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
	if (m->opts.append && *m->opts.append)
		buf_addf(&b, " %s", m->opts.append);
	return buf_str(&b);
}

char *machine_kernel_args(const struct machine *m)
{
	return kernel_args(m, true);
}

struct qemu_config machine_config(const struct machine *m)
{
	return (struct qemu_config){
		.binary = "qemu-system-x86_64", .accel = m->accel.kind,
		.machine = m->profile.machine, .kernel = m->profile.kernel,
		.memory = m->opts.memory, .cpus = m->opts.cpus,
		.disks = m->opts.disks, .nr_disks = m->opts.nr_disks,
		.share = m->profile.share, .cpu = m->profile.cpu,
		.gdb_fd = -1,
	};
}

char *machine_describe(const struct machine *m, struct err *err)
{
	struct disk *disks = xcalloc(m->opts.nr_disks + 1, sizeof(*disks));
	struct qemu_config config = machine_config(m);
	struct qemu_fds fds = { 0, 0, 0 };
	struct buf b = { 0 };
	struct argv argv;
	char *append = kernel_args(m, false);

	config.kernel = config.initrd = "";
	config.append = append;
	config.cid = m->accel.transport == TRANSPORT_VSOCK;
	for (size_t i = 0; i < m->opts.nr_disks; i++) {
		disks[i] = m->opts.disks[i];
		disks[i].layer_fd = disks[i].backing_fd = -1;
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
