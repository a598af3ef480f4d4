// SPDX-License-Identifier: GPL-2.0-only
/* The options of vm:boot(); see options.h. */
#include <stdlib.h>
#include <unistd.h>

#include "runner/machine/options.h"

void vm_opts_release(struct vm_opts *opts)
{
	for (size_t i = 0; i < opts->nr_disks; i++) {
		free(opts->disks[i].path);
		free(opts->disks[i].format);
		if (opts->disks[i].layer_fd >= 0)
			close(opts->disks[i].layer_fd);
		if (opts->disks[i].backing_fd >= 0)
			close(opts->disks[i].backing_fd);
	}
	for (size_t i = 0; i < opts->nr_files; i++) {
		free(opts->files[i].guest);
		free(opts->files[i].host);
	}
	free(opts->disks);
	free(opts->files);
	free(opts->append);
	*opts = (struct vm_opts){ 0 };
}
