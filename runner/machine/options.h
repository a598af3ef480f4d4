/* SPDX-License-Identifier: GPL-2.0-only */
/* What boot() can be told: the options of one machine. */
#ifndef RUNNER_MACHINE_OPTIONS_H
#define RUNNER_MACHINE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "runner/machine/argv.h"

/* A file to be put into the initramfs. */
struct boot_file {
	char *guest;
	char *host;
};

struct vm_opts {
	uint64_t memory;		/* bytes */
	unsigned int cpus;
	struct disk *disks;
	size_t nr_disks;
	struct boot_file *files;
	size_t nr_files;
	char *append;			/* or NULL */
	double timeout;			/* seconds, scaled already */
};

/* Frees what opts owns and closes its disks; opts is empty afterwards. */
void vm_opts_release(struct vm_opts *opts);

#endif
