// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's arguments: one vector, no shell, nothing of the user's configuration. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/machine/argv.h"

static void add(struct argv *argv, char *s)
{
	argv->v = xreallocarray(argv->v, argv->n + 2, sizeof(*argv->v));
	argv->v[argv->n++] = s;
	argv->v[argv->n] = NULL;
}

/* A flag, and its value printed like printf(3). */
static __attribute__((format(printf, 3, 4)))
void arg(struct argv *argv, const char *flag, const char *fmt, ...)
{
	va_list ap;

	add(argv, xstrdup(flag));
	va_start(ap, fmt);
	add(argv, xvasprintf(fmt, ap));
	va_end(ap);
}

/* In a QemuOpts value a comma is written twice. */
static char *escape(const char *s)
{
	struct buf b = { 0 };

	for (; *s; s++)
		buf_add(&b, ",,", *s == ',' ? 2 : 0), buf_add(&b, s, *s != ',');
	return buf_str(&b);
}

static void machine(struct argv *argv, const struct qemu_config *c)
{
	arg(argv, "-accel", "%s", c->accel);
	/*
	 * With ACPI microvm tells of its devices in ACPI tables, without it on
	 * the kernel's command line, where a small kernel looks.
	 */
	arg(argv, "-M", "%s%s%s", c->machine,
	    strcmp(c->machine, "microvm") ? "" : ",acpi=off",
	    c->ram_in_file || c->ram_named ? ",memory-backend=ram" : "");
	arg(argv, "-global", "virtio-mmio.force-legacy=false");
	/*
	 * max: everything TCG can emulate, SMAP and SMEP among it, so that a
	 * module that dereferences a user pointer is caught.  But for the fast
	 * string instructions: TCG does them byte by byte, and a kernel that is
	 * told of them clears and copies its pages with them (1 MB: 4 ms, not 0.5).
	 */
	arg(argv, "-cpu", "%s%s%s",
	    strcmp(c->accel, "kvm") ? "max,-erms,-fsrm" : "host",
	    c->cpu ? "," : "", c->cpu ? c->cpu : "");
	arg(argv, "-m", "%lluM", (unsigned long long)(c->memory >> 20));
	if (c->ram_in_file)
		arg(argv, "-object",
		    "memory-backend-file,id=ram,size=%lluM,mem-path=/proc/self/fd/%d,share=%s",
		    (unsigned long long)(c->memory >> 20), c->ram_fd,
		    c->ram_shared ? "on" : "off");
	else if (c->ram_named)
		arg(argv, "-object", "memory-backend-ram,id=ram,size=%lluM",
		    (unsigned long long)(c->memory >> 20));
	/* The MP table, where a kernel without ACPI looks, has one processor a socket. */
	arg(argv, "-smp", "%u,sockets=%u", c->cpus, c->cpus);
	add(argv, xstrdup("-nodefaults"));
	add(argv, xstrdup("-no-user-config"));
	/* A reset ends QEMU: that is how a panic is seen at once. */
	add(argv, xstrdup("-no-reboot"));
	arg(argv, "-display", "none");
}

static void lines(struct argv *argv, const struct qemu_config *c,
		  const struct qemu_fds *fds, const char *bus)
{
	arg(argv, "-chardev", "socket,id=qmp,fd=%d", fds->qmp);
	arg(argv, "-mon", "chardev=qmp,mode=control");
	arg(argv, "-chardev", "file,id=console,path=/proc/self/fd/%d,append=on",
	    fds->console);
	arg(argv, "-serial", "chardev:console");
	if (c->cid) {
		arg(argv, "-device", "vhost-vsock-%s,guest-cid=%u,vhostfd=%d",
		    bus, c->cid, c->vhost_fd);
	} else {
		arg(argv, "-chardev", "socket,id=link,fd=%d", fds->link);
		arg(argv, "-device", "virtio-serial-%s,max_ports=2", bus);
		arg(argv, "-device", "virtserialport,chardev=link,name=" WIRE_PORT_NAME);
	}
}

/* The file that the guest writes, and what shows through where it has not. */
static void drive(struct argv *argv, size_t i, const struct disk *d)
{
	char *path = escape(d->path);

	if (d->layer_fd < 0)
		arg(argv, "-drive", "if=none,id=disk%zu,file=%s,format=%s%s", i,
		    path, d->format, d->readonly ? ",readonly=on" : "");
	else if (d->backing_fd < 0)
		arg(argv, "-drive",
		    "if=none,id=disk%zu,file=/proc/self/fd/%d,format=qcow2,backing.driver=%s,backing.file.filename=%s",
		    i, d->layer_fd, d->format, path);
	else
		arg(argv, "-drive",
		    "if=none,id=disk%zu,file=/proc/self/fd/%d,format=qcow2,backing.driver=qcow2,backing.file.filename=/proc/self/fd/%d,backing.backing.driver=%s,backing.backing.file.filename=%s",
		    i, d->layer_fd, d->backing_fd, d->format, path);
	free(path);
}

static int disks(struct argv *argv, const struct qemu_config *c,
		 const char *bus, struct err *err)
{
	for (size_t i = 0; i < c->nr_disks; i++) {
		const struct disk *d = &c->disks[i];

		if (strcmp(d->format, "raw") && strcmp(d->format, "qcow2"))
			return err_set(err, ERR_USER, -EINVAL,
				       "disk %s: format \"%s\"; expected raw or qcow2",
				       d->path, d->format);
		drive(argv, i, d);
		arg(argv, "-device", "virtio-blk-%s,drive=disk%zu", bus, i);
	}
	return 0;
}

/*
 * Inode numbers of several host file systems under one folder are told apart, so
 * that no two files look like one.
 */
static void share(struct argv *argv, const struct qemu_config *c, const char *bus)
{
	char *path;

	if (!c->share)
		return;
	path = escape(c->share);
	arg(argv, "-fsdev",
	    "local,id=share,path=%s,security_model=none,readonly=on,multidevs=remap",
	    path);
	arg(argv, "-device", "virtio-9p-%s,fsdev=share,mount_tag=" QEMU_SHARE_TAG,
	    bus);
	free(path);
}

static void stub(struct argv *argv, const struct qemu_config *c)
{
	add(argv, xstrdup("-S"));
	arg(argv, "-chardev", "socket,id=gdb,fd=%d", c->gdb_fd);
	arg(argv, "-gdb", "chardev:gdb");
	if (strcmp(c->accel, "kvm"))
		arg(argv, "-seed", "%u", c->seed);
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
	add(argv, xstrdup(c->binary));
	machine(argv, c);
	lines(argv, c, fds, bus);
	share(argv, c, bus);
	if (c->incoming) {
		arg(argv, "-incoming", "defer");
		if (c->gdb_fd >= 0)
			stub(argv, c);
	} else {
		arg(argv, "-kernel", "%s", c->kernel);
		arg(argv, "-initrd", "%s", c->initrd);
		arg(argv, "-append", "%s", c->append);
	}
	if (disks(argv, c, bus, err)) {
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
