/* SPDX-License-Identifier: GPL-2.0-only */
/* A token's descriptor: the token, and what may be done with it through this one. */
#ifndef KACS_FILE_H
#define KACS_FILE_H

#include <linux/atomic.h>
#include <linux/types.h>

struct kacs_token;

extern atomic_t kacs_nr_files;

/*
 * A new descriptor, close-on-exec, for the token with these rights. Takes over the
 * caller's reference, on failure too. @token may be an error, which is returned then.
 */
int kacs_file_open(struct kacs_token *token, u32 access);

/*
 * The token of the caller's descriptor @fd, with a reference. -EBADF: closed; -EINVAL: it
 * is no token's; -EACCES: it has none of the rights in @any_of.
 */
struct kacs_token *kacs_file_token(int fd, u32 any_of);

#endif
