// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the loading of a fixture's manifest, and of the machine that it
 * describes.
 */
#include <jansson.h>

#include "runner/fixture/manifest.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	json_t *doc = json_loadb((const char *)data, size, 0, NULL), *again;
	struct manifest *m = doc ? manifest_from_json(doc) : NULL;
	char key[HASH_HEX];

	if (m) {
		manifest_key(m, key);
		again = manifest_to_json(m);
		json_decref(again);
		manifest_free(m);
	}
	json_decref(doc);
}
