// SPDX-License-Identifier: GPL-2.0-only
/* MurmurHash3 x64-128 (Austin Appleby, public domain), for data in pieces. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/hash.h"

#define C1 0x87c37b91114253d5u
#define C2 0x4cf5ad432745937fu
#define PIECE_BYTES (256u << 10)

static uint64_t rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static uint64_t mix1(uint64_t k)
{
	return rotl(k * C1, 31) * C2;
}

static uint64_t mix2(uint64_t k)
{
	return rotl(k * C2, 33) * C1;
}

static void block(struct hash *h, const uint8_t *p)
{
	uint64_t k1, k2;

	memcpy(&k1, p, 8);
	memcpy(&k2, p + 8, 8);
	h->h1 = (rotl(h->h1 ^ mix1(k1), 27) + h->h2) * 5 + 0x52dce729;
	h->h2 = (rotl(h->h2 ^ mix2(k2), 31) + h->h1) * 5 + 0x38495ab5;
}

void hash_init(struct hash *h)
{
	*h = (struct hash){ 0 };
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	const uint8_t *at = p;
	size_t held = h->total % 16;

	h->total += n;
	if (held) {
		size_t more = n < 16 - held ? n : 16 - held;

		memcpy(h->part + held, at, more);
		at += more;
		n -= more;
		if (held + more < 16)
			return;
		block(h, h->part);
	}
	for (; n >= 16; at += 16, n -= 16)
		block(h, at);
	if (n)
		memcpy(h->part, at, n);
}

static uint64_t avalanche(uint64_t k)
{
	k = (k ^ k >> 33) * 0xff51afd7ed558ccdu;
	k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53u;
	return k ^ k >> 33;
}

void hash_hex(const struct hash *h, char hex[HASH_HEX])
{
	uint64_t h1 = h->h1, h2 = h->h2, k1, k2;
	uint8_t tail[16] = { 0 };

	memcpy(tail, h->part, h->total % 16);
	memcpy(&k1, tail, 8);
	memcpy(&k2, tail + 8, 8);
	h1 ^= mix1(k1) ^ h->total;
	h2 ^= mix2(k2) ^ h->total;
	h1 += h2;
	h2 += h1;
	h1 = avalanche(h1);
	h2 = avalanche(h2);
	h1 += h2;
	h2 += h1;
	snprintf(hex, HASH_HEX, "%016" PRIx64 "%016" PRIx64, h1, h2);
}

void hash_buffer(const void *p, size_t n, char hex[HASH_HEX])
{
	struct hash h;

	hash_init(&h);
	hash_add(&h, p, n);
	hash_hex(&h, hex);
}

void hash_string(const char *s, char hex[HASH_HEX])
{
	hash_buffer(s, strlen(s), hex);
}

int hash_file(const char *path, char hex[HASH_HEX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	struct buf b = { 0 };
	struct hash h;
	ssize_t n;

	if (fd < 0)
		return -errno;
	hash_init(&h);
	do {
		n = read(fd, buf_room(&b, PIECE_BYTES), PIECE_BYTES);
		if (n > 0)
			hash_add(&h, b.p, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		ret = -errno;
	close(fd);
	buf_release(&b);
	hash_hex(&h, hex);
	return ret;
}
