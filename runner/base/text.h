/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings from anywhere, for readers that expect text. */
#ifndef RUNNER_BASE_TEXT_H
#define RUNNER_BASE_TEXT_H

#include <stddef.h>

#include "runner/base/buf.h"

/*
 * Adds what any report can carry and any terminal can show: bytes that are no
 * UTF-8, control characters (but tab and newline), line separators, changes of
 * the writing direction and noncharacters become \xNN, byte for byte.  The
 * carriage return of a line end is left out.
 */
void text_clean(struct buf *to, const char *s, size_t n);
/* The same of a C string, as a new one.  Caller frees. */
char *text_cleaned(const char *s);
/*
 * Adds the word as a shell has to be given it: as it is, in '…', or in $'…'
 * when it has bytes that cannot be shown.
 */
void text_quote(struct buf *to, const char *word);

#endif
