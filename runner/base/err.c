// SPDX-License-Identifier: GPL-2.0-only
/* Error texts. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/err.h"

static bool is_shortage(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM;
}

int err_set(struct err *err, enum err_kind kind, int ret, const char *fmt, ...)
{
	va_list ap;

	err->kind = kind == ERR_USER && is_shortage(-ret) ? ERR_BROKEN : kind;
	err->console_at = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return ret;
}

const char *err_limit_advice(int number)
{
	switch (number) {
	case EMFILE:
		return "; raise the limit of open files (ulimit -n)";
	case EAGAIN:
		return "; raise the limit of processes (ulimit -u)";
	case EFBIG:
		return "; raise the limit of file sizes (ulimit -f)";
	}
	return "";
}

void err_add_console(struct err *err, const char *lines)
{
	err->console_at = strlen(err->text);
	snprintf(err->text + err->console_at, sizeof(err->text) - err->console_at,
		 "; console ends:%s", *lines ? lines : " (nothing was printed)");
}

void err_context(struct err *err, const char *fmt, ...)
{
	char context[1024];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	n = strlen(context);
	if (n + 3 > sizeof(err->text))
		return;
	/*
	 * A text that is too long loses its end, which is the last lines of a
	 * console.
	 */
	memmove(err->text + n + 2, err->text, sizeof(err->text) - n - 2);
	err->text[sizeof(err->text) - 1] = 0;
	memcpy(err->text, context, n);
	memcpy(err->text + n, ": ", 2);
	if (err->console_at)
		err->console_at += n + 2;
	if (err->console_at >= sizeof(err->text))
		err->console_at = 0;
}
