/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzz target is a file tests/fuzz/NAME.c with the function fuzz(): it passes
 * size arbitrary bytes to one decoder, and calls abort() if the result breaks
 * the decoder's contract.  It must not leak memory or descriptors.
 *
 * libFuzzer calls it (mk/fuzz.mk).  tests/host/fuzz.c calls it with each file
 * of tests/fuzz/corpus/NAME/, in a program where it is called fuzz_NAME().
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

void fuzz(const uint8_t *data, size_t size);

/*
 * Writes these bytes to a file in memory, and sets the offset to its end.
 * Returns the descriptor: the same one each time, which must not be closed.
 */
int fuzz_memory_file(const uint8_t *data, size_t size);
/*
 * Makes a folder, which becomes the working directory of this process and is
 * removed when the process exits.  Returns the folder's path, which is static.
 */
const char *fuzz_folder(void);
/*
 * Writes a file with these bytes into fuzz_folder().  Returns its static path.
 */
const char *fuzz_file(const char *name, const uint8_t *data, size_t size);
/*
 * Passes the bytes to a parser of tests/lib/result_oracle.lua: "ktap", "ltp" or
 * "kunit".  Aborts if the results do not fit the bytes.
 */
void fuzz_parser(const char *parser, const uint8_t *data, size_t size);

#endif
