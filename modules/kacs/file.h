/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The descriptor of a token: it refers to the token, and says which operations
 * it allows.
 */
#ifndef KACS_FILE_H
#define KACS_FILE_H

#include <linux/atomic.h>
#include <linux/types.h>

struct kacs_token;

extern atomic_t kacs_nr_files;

/*
 * Makes a descriptor, close-on-exec, for the token with these rights.  Takes
 * over the caller's reference, even on failure. @token can be an error pointer,
 * whose error is returned.
 */
int kacs_file_open(struct kacs_token *token, u32 access);

/*
 * Returns the token of the caller's descriptor @fd, with a reference.  -EBADF:
 * @fd is closed; -EINVAL: it is not the descriptor of a token; -EACCES: it has
 * none of the rights in @any_of.
 */
struct kacs_token *kacs_file_token(int fd, u32 any_of);

#endif
