// SPDX-License-Identifier: GPL-2.0-only
/* Prints the results of host tests as TAP. */
#include <stdarg.h>
#include <stdio.h>

#include "tests/host/lib/tap.h"

static unsigned int nr, failed;

bool ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", cond ? "" : "not ", ++nr);
	failed += !cond;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	return cond;
}

void note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

int done(void)
{
	printf("1..%u\n", nr);
	return failed || !nr;
}
