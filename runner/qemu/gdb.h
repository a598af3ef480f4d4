/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to a stopped guest's memory by kernel addresses, through QEMU's gdb
 * stub (GDB manual, "Remote Protocol"; only the packets m and M are used).
 */
#ifndef RUNNER_QEMU_GDB_H
#define RUNNER_QEMU_GDB_H

#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"

/*
 * Read and write memory; n is at most 64 bytes.  0; -EIO, -EPIPE, -ETIMEDOUT or
 * -EINTR with err filled.
 */
int gdb_read(int fd, uint64_t addr, void *p, size_t n, int64_t deadline_ns,
	     struct err *err);
int gdb_write(int fd, uint64_t addr, const void *p, size_t n,
	      int64_t deadline_ns, struct err *err);

#endif
