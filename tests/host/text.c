// SPDX-License-Identifier: GPL-2.0-only
/* text_clean(), text_fit() and text_quote(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/text.h"
#include "tests/host/lib/tap.h"

static void cleans(const char *name, const char *from, size_t n, const char *to)
{
	struct buf b = { 0 };

	text_clean(&b, from, n);
	if (!ok(!strcmp(buf_str(&b), to), "%s", name))
		note("expected %s, got %s", to, buf_str(&b));
	buf_release(&b);
}

/* The words are read back by bash, because sh has no $'…'. */
static void reads_back(const char *word)
{
	struct buf b = { 0 };
	char said[256] = "", *command;
	FILE *shell;
	size_t n;

	text_quote(&b, word);
	command = xasprintf("printf %%s %s", buf_str(&b));
	setenv("COMMAND", command, 1);
	shell = popen("bash -c \"$COMMAND\"", "r");
	n = shell ? fread(said, 1, sizeof(said) - 1, shell) : 0;
	if (!ok(shell && !pclose(shell) && n == strlen(word) && !memcmp(said, word, n),
		"a shell reads %s as the original word", buf_str(&b)))
		note("got %s", said);
	free(command);
	buf_release(&b);
}

/* Checks the text as text_fit() shortens it to the given number of columns. */
static void fits(const char *name, const char *from, size_t columns, const char *to)
{
	struct buf b = { 0 };

	text_fit(&b, from, columns);
	if (!ok(!strcmp(buf_str(&b), to), "%s", name))
		note("expected %s, got %s", to, buf_str(&b));
	buf_release(&b);
}

#define CLEANS(name, from, to) cleans(name, from, sizeof(from) - 1, to)

int main(void)
{
	fits("text that fits is shown as it is", "poll 日本", 9, "poll 日本");
	fits("wider text is cut, with an ellipsis in its last column", "poll wakes", 9, "poll wak…");
	fits("a wide character that does not fit is left out", "poll 日本", 8, "poll 日…");
	fits("a tab or a newline is shown as a blank", "a\tb\nc", 9, "a b c");
	fits("nothing is shown in no column", "a", 0, "");
	CLEANS("printable text, tabs and newlines are kept", "plain ñ 漢 🙂\ttab\nline", "plain ñ 漢 🙂\ttab\nline");
	CLEANS("control characters become \\xNN", "a\0b\033[0m\177", "a\\x00b\\x1b[0m\\x7f");
	CLEANS("CR LF becomes LF, and a single CR \\x0d", "one\r\ntwo\rthree\r", "one\ntwo\\x0dthree\\x0d");
	CLEANS("C1 controls become \\xNN", "\xc2\x9b" "31m \xc2\x85", "\\xc2\\x9b31m \\xc2\\x85");
	CLEANS("Unicode line separators become \\xNN", "\u2028 \u2029", "\\xe2\\x80\\xa8 \\xe2\\x80\\xa9");
	CLEANS("controls of the writing direction become \\xNN", "\u202e \u2066", "\\xe2\\x80\\xae \\xe2\\x81\\xa6");
	CLEANS("noncharacters become \\xNN", "\uffff \ufdd0", "\\xef\\xbf\\xbf \\xef\\xb7\\x90");
	CLEANS("bytes that start no character become \\xNN", "\xff\xfe\x80", "\\xff\\xfe\\x80");
	CLEANS("a truncated character becomes \\xNN", "\xe2\x82", "\\xe2\\x82");
	CLEANS("a truncated character before text becomes \\xNN", "\xf0\x9f\x99x", "\\xf0\\x9f\\x99x");
	CLEANS("overlong encodings become \\xNN", "\xc0\x80 \xe0\x80\x80", "\\xc0\\x80 \\xe0\\x80\\x80");
	CLEANS("surrogates become \\xNN", "\xed\xa0\x80", "\\xed\\xa0\\x80");
	CLEANS("code points beyond Unicode become \\xNN", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	reads_back("plain/word.lua");
	reads_back("");
	reads_back("two words");
	reads_back("it's $HOME `id` \"x\" \\ * ! #");
	reads_back("-f");
	reads_back("new\nline\ttab");
	reads_back("it's \033[31m \xff \\ bytes 5");
	reads_back("ñ 漢");
	return done();
}
