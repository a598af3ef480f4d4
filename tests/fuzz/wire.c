// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the codec: every message decodes or is refused, and a decoded message,
 * encoded and decoded again, has the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire/wire.h"
#include "tests/fuzz/fuzz.h"

#define ARENA_BYTES (1u << 20)
#define SIZE_MAX_BYTES (1u << 16)

static uint8_t arenas[2][ARENA_BYTES], encoded[2][SIZE_MAX_BYTES];

static void print(const struct wire_header *hdr, const uint8_t *data)
{
	static FILE *null;

	if (!null)
		null = fopen("/dev/null", "w");
	if (null)
		wire_print(null, "fuzz: ", hdr, data);
}

static void check_frame(const uint8_t *data, size_t size)
{
	struct wire_header hdr;

	if (size < WIRE_HEADER || wire_get_header(data, &hdr))
		return;
	if (hdr.len > size - WIRE_HEADER)
		hdr.len = (uint32_t)(size - WIRE_HEADER);
	print(&hdr, data + WIRE_HEADER);
}

static void check_message(const struct wire_desc *desc, const uint8_t *data, size_t size)
{
	struct wire_arena first = { arenas[0], ARENA_BYTES, 0 };
	struct wire_arena second = { arenas[1], ARENA_BYTES, 0 };
	void *msg = calloc(1, desc->size), *again = calloc(1, desc->size);
	size_t n;

	if (!wire_decode(desc, msg, data, size, &first)) {
		n = wire_encode(desc, msg, encoded[0], SIZE_MAX_BYTES);
		if (n > SIZE_MAX_BYTES || wire_decode(desc, again, encoded[0], n, &second) ||
		    wire_encode(desc, again, encoded[1], SIZE_MAX_BYTES) != n ||
		    memcmp(encoded[0], encoded[1], n))
			abort();
	}
	free(msg);
	free(again);
}

void fuzz(const uint8_t *data, size_t size)
{
	if (!size || size > SIZE_MAX_BYTES / 2)
		return;
	check_message(wire_msgs[data[0] % wire_nr_msgs], data + 1, size - 1);
	check_frame(data, size);
}
