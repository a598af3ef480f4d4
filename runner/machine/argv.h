/* SPDX-License-Identifier: GPL-2.0-only */
/* QEMU's argument vector, made from the description of a VM. */
#ifndef RUNNER_MACHINE_ARGV_H
#define RUNNER_MACHINE_ARGV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/machine/accel.h"

/* Does QEMU write what the guest gets from outside to a log, or read it? */
enum rr { RR_NONE, RR_RECORD, RR_REPLAY };

struct disk {
	char *path;
	char *format;			/* "raw" or "qcow2" */
	bool readonly;
	/*
	 * Two optional layers; -1: none.  The guest's writes go to one qcow2
	 * file, while path is only read.  The other was saved by a fixture, and
	 * is placed between the two.
	 */
	int layer_fd;
	int backing_fd;
};

/* Everything that the arguments depend on.  Strings belong to the caller. */
struct qemu_config {
	const char *binary;		/* "qemu-system-x86_64" */
	enum accel_kind accel;
	const char *machine;		/* "microvm" or "q35" */
	const char *cpu;		/* features to add or remove: "-avx,+umip"; NULL: none */
	/* Unused with incoming.  initrd can be /proc/self/fd/N. */
	const char *kernel;
	const char *initrd;
	const char *append;
	uint64_t memory;		/* bytes */
	unsigned int cpus;
	const struct disk *disks;
	size_t nr_disks;
	uint32_t cid;			/* vsock CID; 0: the transport is
					 * virtio-serial */
	int vhost_fd;			/* an open /dev/vhost-vsock with that CID */
	bool ram_in_file;		/* the guest's memory is the file ram_fd */
	int ram_fd;
	bool ram_shared;		/* the guest's writes go to ram_fd;
					 * else copy on write */
	/*
	 * Without ram_in_file: gives QEMU's own memory the name that the file
	 * would have, so that a state saved with ram_in_file can be loaded.
	 */
	bool ram_named;
	bool incoming;			/* QEMU waits for a state instead of booting */
	/*
	 * With incoming: socket for a gdb stub; the guest then stays stopped.
	 * -1: no stub.
	 */
	int gdb_fd;
	uint32_t seed;			/* the seed of TCG's rdrand, used only with gdb_fd */
	const char *share;		/* a folder that the guest can read, or NULL */
	/*
	 * With RR_REPLAY the guest does not run before "cont".  With RR_RECORD
	 * and RR_REPLAY, QEMU stops and does not end when the guest powers off
	 * or resets.
	 */
	enum rr rr;
	int log_fd;			/* the log; unused with RR_NONE */
	unsigned int shift;		/* an instruction takes 2^shift ns of the
					 * guest's time; unused with RR_NONE */
};

/* The mount tag of the shared folder (9p). */
#define QEMU_SHARE_TAG "root"

/* Descriptors that QEMU inherits, by the numbers they have in QEMU. */
struct qemu_fds {
	int qmp;
	int link;			/* virtio-serial; -1 if the transport
					 * is vsock */
	int console;
};

struct argv {
	char **v;			/* n arguments and a NULL */
	size_t n;
};

/*
 * Builds the arguments.  Returns 0, or -EINVAL with err filled if the machine
 * or a disk format is unknown.
 */
int argv_build(struct argv *argv, const struct qemu_config *config,
	       const struct qemu_fds *fds, struct err *err);
void argv_release(struct argv *argv);

#endif
