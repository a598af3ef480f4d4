// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's argument vector: the arguments it must have, and text that must not
 * get into it.
 */
#include <errno.h>
#include <string.h>

#include "runner/machine/argv.h"
#include "tests/host/lib/tap.h"

static struct qemu_config base(void)
{
	return (struct qemu_config){
		.binary = "qemu-system-x86_64", .accel = ACCEL_TCG,
		.machine = "microvm", .kernel = "/k", .initrd = "/i",
		.append = "console=ttyS0 quiet", .memory = 512u << 20, .cpus = 2, .gdb_fd = -1,
	};
}

static const struct qemu_fds fds = { 7, 8, 9 };

/* Returns the value after the nth occurrence of flag; NULL if there is none. */
static const char *value(const struct argv *a, const char *flag, int nth)
{
	for (size_t i = 0; i + 1 < a->n; i++)
		if (!strcmp(a->v[i], flag) && !nth--)
			return a->v[i + 1];
	return NULL;
}

/* Is there a value of flag that contains text? */
static bool has(const struct argv *a, const char *flag, const char *text)
{
	const char *v;

	for (int n = 0; (v = value(a, flag, n)); n++)
		if (strstr(v, text))
			return true;
	return false;
}

static bool has_word(const struct argv *a, const char *word)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->v[i], word))
			return true;
	return false;
}

static void microvm(void)
{
	struct qemu_config c = base();
	struct argv a;
	struct err err;

	ok(!argv_build(&a, &c, &fds, &err), "arguments for a microvm are made");
	ok(!strcmp(a.v[0], "qemu-system-x86_64") && !a.v[a.n], "the vector starts with the program and ends with NULL");
	ok(has_word(&a, "-nodefaults") && has_word(&a, "-no-user-config") &&
	   has_word(&a, "-no-reboot"), "QEMU ignores the user's configuration and ends at a reset");
	ok(!strcmp(value(&a, "-m", 0), "512M") && !strcmp(value(&a, "-smp", 0), "2,sockets=2"),
	   "memory and processors are passed");
	ok(!strcmp(value(&a, "-append", 0), "console=ttyS0 quiet"),
	   "the kernel's command line is one argument");
	ok(has(&a, "-chardev", "id=qmp,fd=7") && has(&a, "-chardev", "id=link,fd=8") &&
	   has(&a, "-chardev", "/proc/self/fd/9"), "QMP, link and console are descriptors");
	ok(has(&a, "-device", "virtio-serial-device") &&
	   has(&a, "-device", "name=provium.0"), "a microvm has virtio-serial on virtio-mmio");
	ok(has(&a, "-M", "acpi=off"), "a microvm announces its devices on the kernel's command line");
	argv_release(&a);
	argv_release(&a);
	ok(!a.n, "argv_release() is safe twice");
}

static void q35_and_vsock(void)
{
	struct qemu_config c = base();
	struct argv a;
	struct err err;

	c.machine = "q35";
	c.accel = ACCEL_KVM;
	c.cid = 77;
	c.vhost_fd = 5;
	ok(!argv_build(&a, &c, &fds, &err), "arguments for a q35 are made");
	ok(has(&a, "-device", "vhost-vsock-pci,guest-cid=77,vhostfd=5"), "a q35 has vsock on PCI");
	ok(!has(&a, "-device", "virtio-serial"), "a machine with vsock has no virtio-serial");
	ok(!strcmp(value(&a, "-cpu", 0), "host"), "a machine on KVM has the host's CPU");
	argv_release(&a);
	c.machine = "pc";
	ok(argv_build(&a, &c, &fds, &err) == -EINVAL && strstr(err.text, "microvm or q35"),
	   "an unknown machine type is refused: %s", err.text);
}

static void disks(void)
{
	struct disk d[] = {
		{ .path = (char *)"/a,b/x.img", .format = (char *)"raw", .readonly = true,
		  .layer_fd = -1, .backing_fd = -1 },
		{ .path = (char *)"/y.qcow2", .format = (char *)"qcow2",
		  .layer_fd = -1, .backing_fd = -1 },
	};
	struct qemu_config c = base();
	struct argv a;
	struct err err;

	c.disks = d;
	c.nr_disks = 2;
	ok(!argv_build(&a, &c, &fds, &err), "arguments for two disks are made");
	ok(has(&a, "-drive", "file=/a,,b/x.img,format=raw,readonly=on"),
	   "a comma in a disk's path is doubled");
	ok(has(&a, "-drive", "file=/y.qcow2,format=qcow2") &&
	   !has(&a, "-drive", "qcow2,readonly"), "a writable disk is not read-only");
	argv_release(&a);
	d[1].format = (char *)"vmdk";
	ok(argv_build(&a, &c, &fds, &err) == -EINVAL && strstr(err.text, "/y.qcow2"),
	   "an unknown disk format is refused: %s", err.text);
}

static void share_and_cpu(void)
{
	struct qemu_config c = base();
	struct argv a;
	struct err err;

	ok(!argv_build(&a, &c, &fds, &err) && !has(&a, "-fsdev", "path="),
	   "no directory is shared by default");
	argv_release(&a);
	c.share = "/a,b";
	c.cpu = "-avx";
	ok(!argv_build(&a, &c, &fds, &err), "arguments for a shared directory and a CPU without AVX are made");
	ok(has(&a, "-fsdev", "path=/a,,b,") && has(&a, "-fsdev", "readonly=on"),
	   "a shared directory is read-only");
	ok(has(&a, "-device", "virtio-9p-device") && has(&a, "-cpu", "max,-erms,-fsrm,-avx"),
	   "the directory is shared by 9p, and AVX is off");
	argv_release(&a);
}

int main(void)
{
	microvm();
	q35_and_vsock();
	disks();
	share_and_cpu();
	return done();
}
