// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of results in a kernel log: vm:kunit(). */
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	fuzz_parser("kunit", data, size);
}
