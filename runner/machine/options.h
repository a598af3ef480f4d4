/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of vm:boot(): memory, processors, disks, files. */
#ifndef RUNNER_MACHINE_OPTIONS_H
#define RUNNER_MACHINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/machine/argv.h"

/* A file or folder to add to the initramfs. */
struct boot_file {
	char *guest;			/* its path in the guest */
	char *host;			/* its path on the host */
	/*
	 * true: it was found in a folder of the user's, so a link is added as a
	 * link.  Otherwise, what the link leads to is added.
	 */
	bool in_folder;
};

struct vm_opts {
	uint64_t memory;		/* bytes */
	unsigned int cpus;
	struct disk *disks;
	size_t nr_disks;
	struct boot_file *files;
	size_t nr_files;
	char *append;			/* kernel arguments, or NULL */
	double timeout;			/* time limit of the boot in seconds,
					 * before scaling by the slowness */
};

/*
 * Frees all members and closes the disks' descriptors; opts is empty
 * afterwards.
 */
void vm_opts_release(struct vm_opts *opts);

#endif
