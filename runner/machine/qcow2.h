/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Empty qcow2 images: the layers into which a guest's writes to its disks go.
 */
#ifndef RUNNER_MACHINE_QCOW2_H
#define RUNNER_MACHINE_QCOW2_H

#include <stdint.h>

#include "runner/base/err.h"

/*
 * Finds the size in bytes that a disk image of that format ("raw" or "qcow2")
 * has for the guest.  0 or -errno with err filled.
 */
int qcow2_disk_size(const char *path, const char *format, uint64_t *size,
		    struct err *err);
/*
 * Makes an unnamed file on dir's file system: an image of that size, without
 * data. argv_build() tells QEMU its backing file.  Returns its descriptor, or
 * -errno with err filled.
 */
int qcow2_layer(const char *dir, uint64_t size, struct err *err);

#endif
