/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 128-bit hash of content: MurmurHash3 x64-128.
 *
 * It detects accidental changes and edits.  It does not resist an attacker, and
 * need not: a user who can write the hashed files can also write the programs
 * that are run.
 */
#ifndef RUNNER_BASE_HASH_H
#define RUNNER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_HEX 33			/* 32 digits and a terminator */

struct hash {
	uint64_t h1, h2;
	uint64_t total;			/* bytes added */
	uint8_t part[16];		/* the last total % 16 bytes, not hashed yet */
};

void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *p, size_t n);
/* The hash of all bytes added so far; more can be added afterwards. */
void hash_hex(const struct hash *h, char hex[HASH_HEX]);
/* The hash of n bytes; of a string, without its terminator. */
void hash_buffer(const void *p, size_t n, char hex[HASH_HEX]);
void hash_string(const char *s, char hex[HASH_HEX]);
/* The hash of a whole file.  0 or -errno. */
int hash_file(const char *path, char hex[HASH_HEX]);

#endif
