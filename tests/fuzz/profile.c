// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of provium.toml. */
#include "runner/machine/profile.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	struct profile p;
	struct err err;

	fuzz_file("provium.toml", data, size);
	profile_init(&p);
	profile_load(&p, "a", &err);
	profile_release(&p);
}
