/* SPDX-License-Identifier: GPL-2.0-only */
/* Untrusted strings made printable. */
#ifndef RUNNER_BASE_TEXT_H
#define RUNNER_BASE_TEXT_H

#include <stddef.h>

#include "runner/base/buf.h"

/*
 * Appends n bytes of s so that any report can carry them and any terminal can
 * show them.  Bytes that are not UTF-8, control characters (other than tab and
 * newline), line separators, characters that change the writing direction, and
 * noncharacters become \xNN, byte for byte.  "\r\n" becomes "\n".
 */
void text_clean(struct buf *to, const char *s, size_t n);
/* As text_clean(), for a C string.  Returns the result; caller frees. */
char *text_cleaned(const char *s);
/*
 * Appends clean text as one row of a terminal, at most so many columns wide:
 * cut, it ends with "…".  A tab or a newline becomes a blank.  Characters whose
 * width differs between terminals count as wide.
 */
void text_fit(struct buf *to, const char *s, size_t columns);
/* Returns how many columns text_fit() needs for all of it. */
size_t text_columns(const char *s);
/*
 * Appends the word, quoted for a shell if needed: in '…', or in $'…' if it has
 * bytes that are not printable.
 */
void text_quote(struct buf *to, const char *word);

#endif
