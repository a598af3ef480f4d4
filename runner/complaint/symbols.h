/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds functions in an ELF file of a kernel or a module (elf(5), 64 bits,
 * little-endian).
 */
#ifndef RUNNER_COMPLAINT_SYMBOLS_H
#define RUNNER_COMPLAINT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

struct symbol {
	uint64_t value;			/* an address; in a module: the
					 * offset in its section */
	uint64_t size;
	const char *section;		/* valid until symbols_close() */
};

/* Opens the file.  NULL if it cannot be read or is not such an ELF file. */
struct symbols *symbols_open(const char *path);
void symbols_close(struct symbols *s);

/*
 * Finds the function that a kernel prints as "name+0x…/0xSIZE".  The kernel's
 * size goes up to the next symbol, so it includes the padding.  0; -ENOENT if
 * no function or several functions fit.
 */
int symbols_find(const struct symbols *s, const char *name, uint64_t size,
		 struct symbol *found);

/*
 * Writes the build id in hexadecimal digits, "" if the file has none.  Two
 * files of one build have the same, stripped or not.
 */
void symbols_build_id(const struct symbols *s, char *text, size_t cap);

#endif
