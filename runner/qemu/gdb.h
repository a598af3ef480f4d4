/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's memory, by its kernel's own addresses: QEMU's gdb stub (GDB manual,
 * "Remote Protocol"), of which only m and M are used, while the guest is stopped.
 */
#ifndef RUNNER_QEMU_GDB_H
#define RUNNER_QEMU_GDB_H

#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"

/* At most 64 bytes.  0; -EIO, -EPIPE, -ETIMEDOUT, -EINTR with err filled. */
int gdb_read(int fd, uint64_t addr, void *p, size_t n, int64_t deadline_ns,
	     struct err *err);
int gdb_write(int fd, uint64_t addr, const void *p, size_t n,
	      int64_t deadline_ns, struct err *err);

#endif
