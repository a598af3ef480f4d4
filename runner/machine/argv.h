/* SPDX-License-Identifier: GPL-2.0-only */
/* QEMU's argument vector, made from what a VM is to be. */
#ifndef RUNNER_MACHINE_ARGV_H
#define RUNNER_MACHINE_ARGV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"

struct disk {
	char *path;
	char *format;			/* "raw" or "qcow2" */
	bool readonly;
	/* What the guest writes goes into the layer (qcow2), not into path. */
	int layer_fd;			/* -1: none */
	int backing_fd;			/* of a saved layer below that; -1: none */
};

/* What to run.  Strings belong to the caller. */
struct qemu_config {
	const char *binary;		/* "qemu-system-x86_64" */
	const char *accel;		/* "tcg" or "kvm" */
	const char *machine;		/* "microvm" or "q35" */
	const char *cpu;		/* features: "-avx,-xsave"; or NULL */
	const char *kernel;		/* NULL with incoming, like the next two */
	const char *initrd;		/* a path; /proc/self/fd/N will do */
	const char *append;
	uint64_t memory;		/* bytes */
	unsigned int cpus;
	const struct disk *disks;
	size_t nr_disks;
	uint32_t cid;			/* of vsock; 0: virtio-serial instead */
	int vhost_fd;			/* an open /dev/vhost-vsock with that CID */
	bool ram_in_file;		/* the guest's memory is ram_fd */
	bool ram_named;			/* it is not, but looks so in a state */
	int ram_fd;
	bool ram_shared;		/* else copy on write */
	bool incoming;			/* waits for a state instead of booting */
	/* After the state has come in it stays stopped, for the gdb stub. */
	int gdb_fd;			/* -1: none */
	uint32_t seed;			/* with that: of TCG's rdrand */
	const char *share;		/* a folder for the guest to read, or NULL */
};

/* The name under which a guest finds a shared folder (9p's mount tag). */
#define QEMU_SHARE_TAG "root"

/* Descriptors as the child will see them. */
struct qemu_fds {
	int qmp;
	int link;			/* virtio-serial; -1 with vsock */
	int console;
};

struct argv {
	char **v;			/* NULL at the end */
	size_t n;
};

/* 0; -EINVAL with err filled: a machine or disk that cannot be. */
int argv_build(struct argv *argv, const struct qemu_config *config,
	       const struct qemu_fds *fds, struct err *err);
void argv_release(struct argv *argv);

#endif
