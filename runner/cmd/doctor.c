// SPDX-License-Identifier: GPL-2.0-only
/*
 * provium doctor: one line for each thing that matters, and one more, with an
 * arrow, for what somebody can do where it is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/base/sparse.h"
#include "runner/cmd/cmd.h"
#include "runner/gate/gate.h"
#include "runner/gate/jobserver.h"
#include "runner/gate/budget.h"
#include "runner/vm/vsock.h"
#include "runner/probe/accel.h"
#include "runner/fixture/facts.h"
#include "runner/fixture/store.h"

#define GIB (1u << 30)
#define LITTLE_MEMORY (1ull << 30)	/* two VMs of the default size */
#define LITTLE_DISK (4ull << 30)	/* a kernel build */
#define SAMPLE (64u << 20)

static __attribute__((format(printf, 2, 3)))
void line(const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("%-12s ", what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void advice(const char *text)
{
	printf("%-12s -> %s\n", "", text);
}

/* --- programs and devices --- */

static void qemu(void)
{
	char *path = files_in_path("qemu-system-x86_64"), *version = facts_qemu_version();

	if (path) {
		line("qemu", "%s, %s", path, *version ? version : "which does not run");
	} else {
		line("qemu", "no qemu-system-x86_64");
		advice("make deps, on Debian and Ubuntu; elsewhere the package with QEMU for x86");
	}
	free(version);
	free(path);
}

/* Without the words that the first line of a run needs. */
static const char *why(const char *reason)
{
	static const char prefix[] = "kvm probe failed: ";

	return strncmp(reason, prefix, sizeof(prefix) - 1) ? reason :
	       reason + sizeof(prefix) - 1;
}

/* An open device is no proof: the probe's verdict stands behind it. */
static void kvm(const struct accel *accel)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), err = errno;

	if (fd >= 0)
		close(fd);
	if (fd < 0 && err == ENOENT) {
		line("kvm", "there is no /dev/kvm");
		advice("modprobe kvm_intel or kvm_amd, with virtualisation on in the firmware; in a container --device /dev/kvm");
	} else if (fd < 0) {
		line("kvm", "/dev/kvm is present and may not be used: %s", strerror(err));
		advice(err == EACCES ? "add yourself to its group: usermod -aG kvm USER, and log in again" :
		       "see who made the node, and what the kernel says: dmesg | grep -i kvm");
	} else if (accel->kind == ACCEL_KVM) {
		line("kvm", "present and works: %s", accel->reason);
	} else if (getenv("ACCEL") && !strcmp(getenv("ACCEL"), "tcg")) {
		line("kvm", "present; not looked at: ACCEL=tcg");
	} else {
		line("kvm", "present and does not work: %s", why(accel->reason));
		advice("the machine's own hypervisor has to pass it on whole (nested virtualisation); emulation works meanwhile");
	}
}

static void vsock(const struct accel *accel)
{
	struct err err;
	int ret = vsock_usable(&err);

	if (!ret && accel->transport == TRANSPORT_SERIAL) {
		line("vsock", "present; %s", accel->transport_reason);
		return;
	}
	line("vsock", "%s", ret ? err.text : "present and works");
	if (ret == -ENOENT)
		advice("modprobe vhost_vsock; in a container --device /dev/vhost-vsock. Nothing is lost but speed");
	else if (ret == -EACCES || ret == -EPERM)
		advice("add yourself to its group (usermod -aG kvm USER), and log in again");
	else if (ret)
		advice("dmesg | grep -i vsock; the serial port is used meanwhile");
}

static void choice(const struct accel *accel, const char *profile)
{
	if (!accel->transport) {
		line("accelerator", "none: %s", accel->transport_reason);
		return;
	}
	line("accelerator", "%s will be used; time limits are those of %s times %.1f",
	     accel_kind_name(accel->kind), profile, accel->slowness);
	line("transport", "%s will be used", accel->transport == TRANSPORT_VSOCK ?
	     "vsock" : "a virtio-serial port");
}

/* --- memory and slots --- */

static void memory(void)
{
	uint64_t available = budget_available();

	line("memory", "%.1f GiB of %.1f free; %ld processors", (double)available / GIB,
	     (double)budget_total() / GIB, sysconf(_SC_NPROCESSORS_ONLN));
	if (available < LITTLE_MEMORY)
		advice("one VM of 512M at a time will run; --mem and boot { memory = } say less");
}

static void jobserver(void)
{
	struct jobserver_account account = { 0 };
	struct jobserver j;

	jobserver_open(&j, getenv("MAKEFLAGS"), &account);
	if (jobserver_exists(&j)) {
		line("jobserver", "make's, %u slots", j.nr_jobs);
		return;
	}
	line("jobserver", "none: one test at a time, as many VMs as memory has room for");
	advice("make -jN test, where N is the number of processors");
}

/* --- out/ --- */

static const char *fs_name(long type, char *other, size_t cap)
{
	static const struct {
		long type;
		const char *name;
	} known[] = {
		{ EXT4_SUPER_MAGIC, "ext4" }, { BTRFS_SUPER_MAGIC, "btrfs" },
		{ XFS_SUPER_MAGIC, "xfs" }, { TMPFS_MAGIC, "tmpfs" },
		{ OVERLAYFS_SUPER_MAGIC, "overlay" }, { NFS_SUPER_MAGIC, "nfs" },
		{ V9FS_MAGIC, "9p" }, { FUSE_SUPER_MAGIC, "fuse" },
		{ 0x2fc12fc1, "zfs" }, { F2FS_SUPER_MAGIC, "f2fs" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == type)
			return known[i].name;
	snprintf(other, cap, "type %#lx", (unsigned long)type);
	return other;
}

/* What a guest's memory needs of a file: holes, and to be mapped. */
static void try_file(const char *dir, bool *holes, bool *mapped)
{
	struct err err;
	struct stat st;
	int fd = sparse_create(dir, SAMPLE, &err);
	char *p;

	*holes = *mapped = false;
	if (fd < 0)
		return;
	p = mmap(NULL, SAMPLE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED) {
		p[SAMPLE / 2] = 1;
		*mapped = true;
		munmap(p, SAMPLE);
	}
	*holes = !fstat(fd, &st) && st.st_blocks * 512 < SAMPLE / 2;
	close(fd);
}

static void disk(void)
{
	const char *dir = store_path();
	struct statfs fs = { 0 };
	bool holes, mapped;
	char other[40];
	uint64_t left;

	statfs(dir, &fs);
	left = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	try_file(dir, &holes, &mapped);
	line("disk", "%s: %s, %.1f GiB free, sparse files: %s, page cache: %s", dir,
	     fs_name(fs.f_type, other, sizeof(other)), (double)left / GIB,
	     holes ? "yes" : "no", mapped ? "yes" : "no");
	if (left < LITTLE_DISK)
		advice("a kernel build takes 2 GiB, a fixture 0.1; O=folder builds elsewhere");
	if (!holes || !mapped)
		advice("fixtures take the whole of a guest's memory here, or do not work: PROVIUM_STORE=folder puts them elsewhere");
}

/* --- all of it --- */

static int doctor(const char *profile)
{
	struct accel accel;
	struct err err;
	int ret;

	accel_forget(profile);
	ret = accel_choose(profile, &accel, &err);
	if (interrupt_pending())
		return -interrupt_pending();
	if (ret && (err.kind == ERR_USER || !accel.kind)) {
		fprintf(stderr, "provium doctor: %s\n", err.text);
		return err.kind == ERR_USER ? EXIT_USAGE : EXIT_BROKEN;
	}
	qemu();
	kvm(&accel);
	vsock(&accel);
	if (ret)
		line("accelerator", "none: %s", err.text);
	else
		choice(&accel, profile);
	memory();
	jobserver();
	disk();
	return ret || !accel.transport ? EXIT_BROKEN : 0;
}

static int run(int argc, char **argv)
{
	const char *profile = getenv("PROFILE");

	if (argc > 2)
		return cmd_usage_error(&cmd_doctor, "expected at most one profile");
	return doctor(argc == 2 ? argv[1] : profile && *profile ? profile : "minimal");
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "check what this host offers, and advise on what is missing",
	.run = run,
	.usage =
"usage: provium doctor [PROFILE]\n",
	.help =
"Prints what this host offers to the VMs of the profile (default: $PROFILE, else\n"
"minimal): QEMU, KVM, vsock, memory, job tokens, disk space. Says which\n"
"accelerator and transport will be used and why, and advises on what is missing.\n"
"Probes anew, even if results of earlier probes are stored.\n"
"\n"
"Exit status: 0 tests can run, 2 there is no such profile (make builds the\n"
"profiles), 3 no test can run.\n",
};
