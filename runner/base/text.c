// SPDX-License-Identifier: GPL-2.0-only
/* Makes untrusted strings printable. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "runner/base/text.h"

/*
 * Decodes the first character into *c.  Returns its length in bytes; 0 if it is
 * not valid UTF-8.
 */
static size_t decode(const uint8_t *s, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 :
		     *s < 0xf5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	*c = len == 1 ? *s : *s & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return len;
}

static bool is_printable(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n';
	if (c < 0xa0)
		return c < 0x7f;
	/*
	 * Line separators, and control characters that change the writing
	 * direction.
	 */
	if ((c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return false;
	return (c & 0xfffe) != 0xfffe && (c < 0xfdd0 || c > 0xfdef);
}

void text_clean(struct buf *to, const char *s, size_t n)
{
	for (const char *end = s + n; s < end;) {
		uint32_t c = 0;
		size_t len = decode((const uint8_t *)s, (size_t)(end - s), &c);

		if (len && is_printable(c)) {
			buf_add(to, s, len);
			s += len;
		} else if (*s == '\r' && end - s > 1 && s[1] == '\n') {
			s++;
		} else {
			for (len = len ? len : 1; len; len--)
				buf_addf(to, "\\x%02x", (uint8_t)*s++);
		}
	}
}

static size_t width(uint32_t c)
{
	return c < 0x1100 || (c >= 0x1e00 && c < 0x2300) ? 1 : 2;
}

/* Returns the length in bytes of the text that fits; in *used its columns. */
static size_t fitting(const char *s, size_t columns, size_t *used)
{
	size_t n = strlen(s), at = 0, len;
	uint32_t c = 0;

	for (*used = 0; at < n; at += len, *used += width(c)) {
		len = decode((const uint8_t *)s + at, n - at, &c);
		if (!len || *used + width(c) > columns)
			break;
	}
	return at;
}

size_t text_columns(const char *s)
{
	size_t used;

	fitting(s, SIZE_MAX, &used);
	return used;
}

void text_fit(struct buf *to, const char *s, size_t columns)
{
	size_t used, n = fitting(s, columns, &used);
	bool cut = s[n] && columns;

	if (cut)
		n = fitting(s, columns - 1, &used);
	for (size_t i = 0; i < n; i++)
		buf_add(to, s[i] == '\n' || s[i] == '\t' ? " " : &s[i], 1);
	if (cut)
		buf_addf(to, "…");
}

char *text_cleaned(const char *s)
{
	struct buf b = { 0 };

	text_clean(&b, s, strlen(s));
	return buf_str(&b);
}

static void quote_bytes(struct buf *to, const char *word)
{
	buf_addf(to, "$'");
	for (; *word; word++)
		if (*word == '\'' || *word == '\\')
			buf_addf(to, "\\%c", *word);
		else if ((uint8_t)*word < 0x20 || (uint8_t)*word >= 0x7f)
			buf_addf(to, "\\x%02x", (uint8_t)*word);
		else
			buf_add(to, word, 1);
	buf_addf(to, "'");
}

void text_quote(struct buf *to, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_./:=+,@%-";
	struct buf b = { 0 };

	text_clean(&b, word, strlen(word));
	if (*word && !word[strspn(word, safe)]) {
		buf_add(to, word, strlen(word));
	} else if (strcmp(buf_str(&b), word) || strpbrk(word, "\t\n")) {
		quote_bytes(to, word);
	} else {
		buf_addf(to, "'");
		for (; *word; word++)
			if (*word == '\'')
				buf_addf(to, "'\\''");
			else
				buf_add(to, word, 1);
		buf_addf(to, "'");
	}
	buf_release(&b);
}
