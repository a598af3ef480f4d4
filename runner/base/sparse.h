/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Large files that are mostly holes: a guest's memory, a disk's overlay.
 *
 * They are created without a name and get one when they are complete, so a
 * process that is killed before leaves no file behind.
 */
#ifndef RUNNER_BASE_SPARSE_H
#define RUNNER_BASE_SPARSE_H

#include <stdint.h>

#include "runner/base/err.h"
#include "runner/base/hash.h"

/*
 * Creates a file of that size without data on dir's file system.  Returns its
 * descriptor (close-on-exec), or -errno with err filled.
 */
int sparse_create(const char *dir, uint64_t size, struct err *err);
/* As sparse_create(), with the content and size of the file `from`. */
int sparse_copy(const char *dir, int from, struct err *err);
/*
 * Gives the file a name, relative to the directory dir_fd (or AT_FDCWD).
 * Copies it where the file system cannot link it.  0 or -errno with err filled.
 */
int sparse_link(int fd, int dir_fd, const char *name, struct err *err);
/*
 * Computes the hash of the file's content, which is the same whether zeros are
 * holes or written bytes.  0 or -errno.
 */
int sparse_hash(int fd, char hex[HASH_HEX]);

#endif
