/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzz target is a file tests/fuzz/NAME.c with the function fuzz(): it gives
 * size arbitrary bytes to one decoder.  It must not keep memory or descriptors.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

void fuzz(const uint8_t *data, size_t size);

/*
 * Makes a file in memory with these bytes; its offset is at the end.  Returns
 * the descriptor.
 */
int fuzz_memory_file(const uint8_t *data, size_t size);
/*
 * Writes a file with these bytes into a folder of this process, which is also
 * the working directory.  Returns the path.  A target uses one name.
 */
const char *fuzz_file(const char *name, const uint8_t *data, size_t size);

#endif
