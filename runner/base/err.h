/* SPDX-License-Identifier: GPL-2.0-only */
/* What went wrong, in words for a person, filled where the fault is known. */
#ifndef RUNNER_BASE_ERR_H
#define RUNNER_BASE_ERR_H

#include <stddef.h>

/* Whose fault it is; decides how a test sees it (docs/architecture.md). */
enum err_kind {
	ERR_NONE,
	ERR_USER,		/* test author or command line */
	ERR_OP,			/* an operation in the guest was refused */
	ERR_GUEST,		/* the guest died: panic, reset, power off */
	ERR_BROKEN,		/* the infrastructure: QEMU, host, bad frame */
	ERR_TIMEOUT,		/* a deadline passed */
	ERR_INTERRUPTED,	/* a signal to the runner */
};

struct err {
	enum err_kind kind;
	size_t console_at;	/* where the console's end begins in text; 0: none */
	char text[8192];
};

/* Sets kind and text; returns ret, so that a caller can return err_set(...). */
int err_set(struct err *err, enum err_kind kind, int ret, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Appends the last lines of a guest's console, each after a line end ("": none). */
void err_add_console(struct err *err, const char *lines);
/* Puts context before the text: "boot minimal: no hello …". */
void err_context(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
