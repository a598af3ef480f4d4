// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds QEMU's arguments.  Neither a shell nor a configuration file of the
 * user is involved.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/machine/argv.h"

static void push(struct argv *argv, char *s)
{
	argv->v = xreallocarray(argv->v, argv->n + 2, sizeof(*argv->v));
	argv->v[argv->n++] = s;
	argv->v[argv->n] = NULL;
}

/* Adds a flag and its value, formatted as by printf(3). */
static __attribute__((format(printf, 3, 4)))
void add_option(struct argv *argv, const char *flag, const char *fmt, ...)
{
	va_list ap;

	push(argv, xstrdup(flag));
	va_start(ap, fmt);
	push(argv, xvasprintf(fmt, ap));
	va_end(ap);
}

/* Doubles each comma, which separates the parts of a QemuOpts value. */
static char *escape(const char *s)
{
	struct buf b = { 0 };

	for (; *s; s++)
		buf_add(&b, ",,", *s == ',' ? 2 : 0), buf_add(&b, s, *s != ',');
	return buf_str(&b);
}

static void add_machine(struct argv *argv, const struct qemu_config *c)
{
	add_option(argv, "-accel", "%s", accel_kind_name(c->accel));
	/*
	 * A microvm gets acpi=off.  With ACPI it would describe its devices in
	 * ACPI tables only.  Without ACPI it describes them on the kernel's
	 * command line, which kernels without ACPI read, too.
	 */
	add_option(argv, "-M", "%s%s%s", c->machine,
		   strcmp(c->machine, "microvm") ? "" : ",acpi=off",
		   c->ram_in_file || c->ram_named ? ",memory-backend=ram" : "");
	add_option(argv, "-global", "virtio-mmio.force-legacy=false");
	/*
	 * The processor "max" has everything that TCG can emulate, such as SMAP
	 * and SMEP, which catch a module that dereferences a user pointer.  The
	 * fast string instructions are left out: TCG executes them byte by
	 * byte, and a kernel that finds them clears and copies pages with them
	 * (4 ms per MB, not 0.5).
	 */
	add_option(argv, "-cpu", "%s%s%s",
		   c->accel == ACCEL_KVM ? "host" : "max,-erms,-fsrm",
		   c->cpu ? "," : "", c->cpu ? c->cpu : "");
	add_option(argv, "-m", "%lluM", (unsigned long long)(c->memory >> 20));
	if (c->ram_in_file)
		add_option(argv, "-object",
		    "memory-backend-file,id=ram,size=%lluM,mem-path=/proc/self/fd/%d,share=%s",
			   (unsigned long long)(c->memory >> 20), c->ram_fd,
			   c->ram_shared ? "on" : "off");
	else if (c->ram_named)
		add_option(argv, "-object", "memory-backend-ram,id=ram,size=%lluM",
			   (unsigned long long)(c->memory >> 20));
	/*
	 * A kernel without ACPI reads the MP table, which has one processor per
	 * socket.
	 */
	add_option(argv, "-smp", "%u,sockets=%u", c->cpus, c->cpus);
	push(argv, xstrdup("-nodefaults"));
	push(argv, xstrdup("-no-user-config"));
	/*
	 * A panic resets the guest.  With this option QEMU then ends, and the
	 * runner notices.
	 */
	push(argv, xstrdup("-no-reboot"));
	add_option(argv, "-display", "none");
}

static void add_connections(struct argv *argv, const struct qemu_config *c,
			    const struct qemu_fds *fds, const char *bus)
{
	add_option(argv, "-chardev", "socket,id=qmp,fd=%d", fds->qmp);
	add_option(argv, "-mon", "chardev=qmp,mode=control");
	add_option(argv, "-chardev", "file,id=console,path=/proc/self/fd/%d,append=on",
		   fds->console);
	/*
	 * The same device as with -serial, but QEMU does not record it: a
	 * recording would have an event for each byte of the console, and a
	 * replay stops at each event.
	 */
	add_option(argv, "-device", "isa-serial,chardev=console");
	if (c->cid) {
		add_option(argv, "-device", "vhost-vsock-%s,guest-cid=%u,vhostfd=%d",
			   bus, c->cid, c->vhost_fd);
	} else {
		add_option(argv, "-chardev", "socket,id=link,fd=%d", fds->link);
		add_option(argv, "-device", "virtio-serial-%s,max_ports=2", bus);
		add_option(argv, "-device", "virtserialport,chardev=link,name=" WIRE_PORT_NAME);
	}
}

/*
 * With shift=auto, an idle guest whose clock is ahead of the host's would get
 * no byte for up to 100 ms.
 *
 * QEMU records a character device only if it was named by -serial or -parallel.
 * A microvm has no parallel port, so the option has no other effect.
 */
static void add_recording(struct argv *argv, const struct qemu_config *c)
{
	if (c->rr == RR_NONE)
		return;
	add_option(argv, "-icount", "shift=%u,rr=%s,rrfile=/proc/self/fd/%d", c->shift,
		   c->rr == RR_RECORD ? "record" : "replay", c->log_fd);
	add_option(argv, "-parallel", "chardev:link");
	add_option(argv, "-action", "shutdown=pause");
	if (c->rr == RR_REPLAY)
		push(argv, xstrdup("-S"));
}

/*
 * Adds the drive's two layers: the file that the guest writes, and below it the
 * files that are read where the guest has not written.
 */
static void add_drive(struct argv *argv, size_t i, const struct disk *d)
{
	char *path = escape(d->path);

	if (d->layer_fd < 0)
		add_option(argv, "-drive", "if=none,id=disk%zu,file=%s,format=%s%s", i,
			   path, d->format, d->readonly ? ",readonly=on" : "");
	else if (d->backing_fd < 0)
		add_option(argv, "-drive",
		    "if=none,id=disk%zu,file=/proc/self/fd/%d,format=qcow2,backing.driver=%s,backing.file.filename=%s",
			   i, d->layer_fd, d->format, path);
	else
		add_option(argv, "-drive",
		    "if=none,id=disk%zu,file=/proc/self/fd/%d,format=qcow2,backing.driver=qcow2,backing.file.filename=/proc/self/fd/%d,backing.backing.driver=%s,backing.backing.file.filename=%s",
			   i, d->layer_fd, d->backing_fd, d->format, path);
	free(path);
}

static int add_disks(struct argv *argv, const struct qemu_config *c,
		     const char *bus, struct err *err)
{
	for (size_t i = 0; i < c->nr_disks; i++) {
		const struct disk *d = &c->disks[i];

		if (strcmp(d->format, "raw") && strcmp(d->format, "qcow2"))
			return err_set(err, ERR_USER, -EINVAL,
				       "disk %s: format \"%s\"; expected raw or qcow2",
				       d->path, d->format);
		add_drive(argv, i, d);
		add_option(argv, "-device", "virtio-blk-%s,drive=disk%zu", bus, i);
	}
	return 0;
}

/*
 * Adds the folder of the host that the guest can read.  It can contain several
 * file systems, with equal inode numbers.  multidevs=remap makes the numbers
 * different, so that no two files look like one.
 */
static void add_share(struct argv *argv, const struct qemu_config *c, const char *bus)
{
	char *path;

	if (!c->share)
		return;
	path = escape(c->share);
	add_option(argv, "-fsdev",
		   "local,id=share,path=%s,security_model=none,readonly=on,multidevs=remap",
		   path);
	add_option(argv, "-device", "virtio-9p-%s,fsdev=share,mount_tag=" QEMU_SHARE_TAG,
		   bus);
	free(path);
}

static void add_gdb_stub(struct argv *argv, const struct qemu_config *c)
{
	push(argv, xstrdup("-S"));
	add_option(argv, "-chardev", "socket,id=gdb,fd=%d", c->gdb_fd);
	add_option(argv, "-gdb", "chardev:gdb");
	if (c->accel != ACCEL_KVM)
		add_option(argv, "-seed", "%u", c->seed);
}

int argv_build(struct argv *argv, const struct qemu_config *c,
	       const struct qemu_fds *fds, struct err *err)
{
	bool microvm = !strcmp(c->machine, "microvm");
	const char *bus = microvm ? "device" : "pci";

	*argv = (struct argv){ 0 };
	if (!microvm && strcmp(c->machine, "q35"))
		return err_set(err, ERR_USER, -EINVAL,
			       "machine \"%s\"; expected microvm or q35",
			       c->machine);
	push(argv, xstrdup(c->binary));
	add_machine(argv, c);
	add_connections(argv, c, fds, bus);
	add_recording(argv, c);
	add_share(argv, c, bus);
	if (c->incoming) {
		add_option(argv, "-incoming", "defer");
		if (c->gdb_fd >= 0)
			add_gdb_stub(argv, c);
	} else {
		add_option(argv, "-kernel", "%s", c->kernel);
		add_option(argv, "-initrd", "%s", c->initrd);
		add_option(argv, "-append", "%s", c->append);
	}
	if (add_disks(argv, c, bus, err)) {
		argv_release(argv);
		return -EINVAL;
	}
	return 0;
}

void argv_release(struct argv *argv)
{
	for (size_t i = 0; i < argv->n; i++)
		free(argv->v[i]);
	free(argv->v);
	*argv = (struct argv){ 0 };
}
