// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of KTAP and TAP: vm:ktap() and vm:kselftest(). */
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	fuzz_parser("ktap", data, size);
}
