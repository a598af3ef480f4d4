/* SPDX-License-Identifier: GPL-2.0-only */
/* Empty qcow2 images: the layers that get what a guest writes to its disks. */
#ifndef RUNNER_MACHINE_QCOW2_H
#define RUNNER_MACHINE_QCOW2_H

#include <stdint.h>

#include "runner/base/err.h"

/*
 * The size, as the guest sees it and in bytes, of a disk image of that format
 * ("raw" or "qcow2").  0 or -errno with err filled.
 */
int qcow2_disk_size(const char *path, const char *format, uint64_t *size,
		    struct err *err);
/*
 * Makes an unnamed file on dir's file system: an image of that size without
 * data and without a backing file, which argv_build() gives it.  Its
 * descriptor, or -errno with err filled.
 */
int qcow2_layer(const char *dir, uint64_t size, struct err *err);

#endif
