// SPDX-License-Identifier: GPL-2.0-only
/*
 * provium doctor: checks what the host offers to VMs.  Prints a row for each
 * subject and, where something is missing, a line of advice below it.
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

#include "runner/base/caller.h"
#include "runner/base/files.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/base/sparse.h"
#include "runner/cmd/cmd.h"
#include "runner/gate/gate.h"
#include "runner/gate/jobserver.h"
#include "runner/gate/budget.h"
#include "runner/machine/profile.h"
#include "runner/vm/vsock.h"
#include "runner/probe/choice.h"
#include "runner/fixture/facts.h"
#include "runner/fixture/store.h"

#define GIB (1u << 30)
#define LOW_MEMORY_BYTES (1ull << 30)	/* two VMs of the default size */
#define LOW_DISK_BYTES (4ull << 30)	/* a kernel build */
#define SAMPLE_BYTES (64u << 20)	/* size of the file that try_file() writes */

static __attribute__((format(printf, 2, 3)))
void print_row(const char *subject, const char *fmt, ...)
{
	va_list ap;

	printf("%-12s ", subject);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

#define print_advice(fmt, ...) print_row("", "-> " fmt, ##__VA_ARGS__)

/* --- programs and devices --- */

static void check_qemu(void)
{
	char *path = files_in_path("qemu-system-x86_64"), *version = facts_qemu_version();

	if (path) {
		print_row("qemu", "%s, %s", path, *version ? version : "but it does not run");
	} else {
		print_row("qemu", "qemu-system-x86_64 is not in PATH");
		print_advice("install it: %s deps (Debian, Ubuntu), "
			     "or your distribution's QEMU for x86", caller_make());
	}
	free(version);
	free(path);
}

/*
 * Returns the reason without a prefix that repeats the subject of the printed
 * row.
 */
static const char *without_prefix(const char *reason)
{
	static const char prefix[] = "kvm probe failed: ";

	return strncmp(reason, prefix, sizeof(prefix) - 1) ? reason :
	       reason + sizeof(prefix) - 1;
}

/* A device that can be opened may still not work; only the probe finds out. */
static void check_kvm(const struct accel *accel)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), err = errno;

	if (fd >= 0)
		close(fd);
	if (fd < 0 && err == ENOENT) {
		print_row("kvm", "/dev/kvm does not exist");
		print_advice("enable virtualisation in the firmware and load kvm_intel or kvm_amd; "
			     "for a container: --device /dev/kvm");
	} else if (fd < 0) {
		print_row("kvm", "/dev/kvm exists but cannot be opened: %s", strerror(err));
		print_advice("%s", err == EACCES ?
			     "add yourself to its group (usermod -aG kvm USER) and log in again" :
			     "look for the reason in the kernel log: dmesg | grep -i kvm");
	} else if (accel->kind == ACCEL_KVM) {
		print_row("kvm", "works: %s", accel->reason);
	} else if (getenv("ACCEL") && !strcmp(getenv("ACCEL"), "tcg")) {
		print_row("kvm", "/dev/kvm exists; not probed because of ACCEL=tcg");
	} else {
		print_row("kvm", "does not work: %s", without_prefix(accel->reason));
		print_advice("if this host is a VM, its hypervisor must support nested virtualisation; "
			     "without KVM, VMs are emulated");
	}
}

static void check_vsock(const struct accel *accel)
{
	struct err err;
	int ret = vsock_usable(&err);

	if (!ret && accel->transport == TRANSPORT_SERIAL) {
		print_row("vsock", "/dev/vhost-vsock exists; %s", accel->transport_reason);
		return;
	}
	print_row("vsock", "%s", ret ? err.text : "works");
	if (ret == -ENOENT)
		print_advice("load vhost_vsock; for a container: --device /dev/vhost-vsock. "
			     "Without vsock, VMs are only slower");
	else if (ret == -EACCES || ret == -EPERM)
		print_advice("add yourself to its group (usermod -aG kvm USER) and log in again");
	else if (ret)
		print_advice("look for the reason in the kernel log: dmesg | grep -i vsock; "
			     "without vsock, VMs use a serial port");
}

static void print_choice(const struct accel *accel, const char *profile)
{
	if (!accel->transport) {
		print_row("accelerator", "none: %s", accel->transport_reason);
		return;
	}
	print_row("accelerator", "%s; time limits of profile %s are multiplied by %.1f",
		  accel_kind_name(accel->kind), profile, accel->slowness);
	print_row("transport", "%s", accel->transport == TRANSPORT_VSOCK ?
		  "vsock" : "virtio-serial port");
}

/* --- memory and job tokens --- */

static void check_memory(void)
{
	uint64_t available = budget_available();

	print_row("memory", "%.1f of %.1f GiB available; %ld processors", (double)available / GIB,
		  (double)budget_total() / GIB, sysconf(_SC_NPROCESSORS_ONLN));
	if (available < LOW_MEMORY_BYTES)
		print_advice("this is enough for one VM of 512 MiB at a time; "
			     "free memory, or boot { memory = } smaller VMs");
}

static void check_jobserver(void)
{
	struct jobserver_account account = { 0 };
	struct jobserver j;

	jobserver_open(&j, getenv("MAKEFLAGS"), &account);
	if (jobserver_exists(&j)) {
		print_row("jobserver", "make -j%u", j.nr_jobs);
		return;
	}
	print_row("jobserver", "none: test files run one at a time, with as many VMs as fit into memory");
	print_advice("to run several at once: %s -jN test, with N processors", caller_make());
}

/* --- the disk with the store of fixtures --- */

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

/*
 * Tries the operations that the file with a fixture's memory needs: holes, and
 * a shared mapping.
 */
static void try_file(const char *dir, bool *holes, bool *mapped)
{
	struct err err;
	struct stat st;
	int fd = sparse_create(dir, SAMPLE_BYTES, &err);
	char *p;

	*holes = *mapped = false;
	if (fd < 0)
		return;
	p = mmap(NULL, SAMPLE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED) {
		p[SAMPLE_BYTES / 2] = 1;
		*mapped = true;
		munmap(p, SAMPLE_BYTES);
	}
	*holes = !fstat(fd, &st) && st.st_blocks * 512 < SAMPLE_BYTES / 2;
	close(fd);
}

static void check_disk(void)
{
	const char *dir = store_path();
	struct statfs fs = { 0 };
	bool holes, mapped;
	char other[40];
	uint64_t left;

	statfs(dir, &fs);
	left = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	try_file(dir, &holes, &mapped);
	print_row("disk", "%s: %s, %.1f GiB free, sparse files: %s, shared mappings: %s", dir,
		  fs_name(fs.f_type, other, sizeof(other)), (double)left / GIB,
		  holes ? "yes" : "no", mapped ? "yes" : "no");
	if (left < LOW_DISK_BYTES)
		print_advice("a kernel build needs 2 GiB, a fixture 0.1 GiB; "
			     "%s O=FOLDER builds elsewhere", caller_make());
	if (!holes || !mapped)
		print_advice("a fixture here needs as much disk space as the guest has memory, or does not work; "
			     "PROVIUM_STORE=FOLDER stores fixtures elsewhere");
}

/* --- the command provium doctor --- */

static int doctor(const char *profile)
{
	struct accel accel;
	struct err err;
	int ret;

	choice_forget(profile);
	ret = choice_make(profile, &accel, &err);
	if (interrupt_pending())
		return -interrupt_pending();
	if (ret && (err.kind == ERR_USER || !accel.kind)) {
		fprintf(stderr, "provium doctor: %s\n", err.text);
		return err.kind == ERR_USER ? EXIT_USAGE : EXIT_BROKEN;
	}
	check_qemu();
	check_kvm(&accel);
	check_vsock(&accel);
	if (ret)
		print_row("accelerator", "none: %s", err.text);
	else
		print_choice(&accel, profile);
	check_memory();
	check_jobserver();
	check_disk();
	return ret || !accel.transport ? EXIT_BROKEN : 0;
}

static int run(int argc, char **argv)
{
	if (argc > 2)
		return cmd_usage_error(&cmd_doctor, "expected at most one profile");
	return doctor(argc == 2 ? argv[1] : profile_default());
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
