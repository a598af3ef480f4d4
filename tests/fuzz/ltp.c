// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of LTP's results: vm:ltp(). */
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	fuzz_parser("ltp", data, size);
}
