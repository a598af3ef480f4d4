// SPDX-License-Identifier: GPL-2.0-only
/* Adds and removes the byte stuffing of frames from the runner. */
#include <string.h>

#include "agent/wire/stuffing.h"

/*
 * Returns a value other than zero that none of the n bytes has; n is at most
 * 254.
 */
static uint8_t find_key(const uint8_t *src, size_t n)
{
	uint8_t seen[256] = { 0 };
	unsigned int key = 1;

	for (size_t i = 0; i < n; i++)
		seen[src[i]] = 1;
	while (seen[key])
		key++;
	return (uint8_t)key;
}

static void xor_bytes(uint8_t *dest, const uint8_t *src, size_t n, uint8_t key)
{
	uint64_t keys = key * 0x0101010101010101u, word;

	for (; n >= sizeof(word); n -= sizeof(word)) {
		memcpy(&word, src, sizeof(word));
		word ^= keys;
		memcpy(dest, &word, sizeof(word));
		dest += sizeof(word);
		src += sizeof(word);
	}
	while (n--)
		*dest++ = *src++ ^ key;
}

void stuffing_add(uint8_t *dest, const uint8_t *src, size_t n)
{
	while (n) {
		size_t chunk = n < STUFFING_CHUNK ? n : STUFFING_CHUNK;

		*dest = find_key(src, chunk);
		xor_bytes(dest + 1, src, chunk, *dest);
		dest += chunk + 1;
		src += chunk;
		n -= chunk;
	}
}

void stuffing_remove(uint8_t *dest, const uint8_t *src, size_t from, size_t n)
{
	src += from / STUFFING_CHUNK * (STUFFING_CHUNK + 1);
	from %= STUFFING_CHUNK;
	while (n) {
		size_t chunk = STUFFING_CHUNK - from;

		if (chunk > n)
			chunk = n;
		xor_bytes(dest, src + 1 + from, chunk, *src);
		src += STUFFING_CHUNK + 1;
		dest += chunk;
		n -= chunk;
		from = 0;
	}
}
