/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Large files that are mostly holes: a guest's memory, a disk's overlay.
 *
 * They are made without a name, so that nothing is left behind whatever kills
 * their maker, and get a name when they are complete.
 */
#ifndef RUNNER_BASE_SPARSE_H
#define RUNNER_BASE_SPARSE_H

#include <stdint.h>

#include "runner/base/err.h"
#include "runner/base/hash.h"

/* A new file of that size, all hole, on dir's file system: its descriptor
 * (close-on-exec), or -errno with err filled. */
int sparse_create(const char *dir, uint64_t size, struct err *err);
/* The same, with the content of from. */
int sparse_copy(const char *dir, int from, struct err *err);
/*
 * Gives it a name, relative to the folder dir_fd (or AT_FDCWD); copies it where
 * the file system cannot name a file.  0 or -errno with err filled.
 */
int sparse_link(int fd, int dir_fd, const char *name, struct err *err);
/*
 * Hash of its content: the same whether zeroes are holes or written.
 * 0 or -errno.
 */
int sparse_hash(int fd, char hex[HASH_HEX]);

#endif
