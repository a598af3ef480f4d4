// SPDX-License-Identifier: GPL-2.0-only
/* libFuzzer's entry point (llvm.org/docs/LibFuzzer.html, "Fuzz Target"). */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz(data, size);
	return 0;
}
