/* SPDX-License-Identifier: GPL-2.0-only */
/* Empty qcow2 images: layers that take what a guest writes to its disk. */
#ifndef RUNNER_MACHINE_QCOW2_H
#define RUNNER_MACHINE_QCOW2_H

#include <stdint.h>

#include "runner/base/err.h"

/* What a disk image of that format ("raw", "qcow2") is to the guest, in bytes.
 * 0 or -errno with err filled. */
int qcow2_disk_size(const char *path, const char *format, uint64_t *size,
		    struct err *err);
/*
 * A file without a name on dir's file system that holds an image of that size
 * without data.  What lies behind it is said on QEMU's command line.  Its
 * descriptor, or -errno with err filled.
 */
int qcow2_layer(const char *dir, uint64_t size, struct err *err);

#endif
