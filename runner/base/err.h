/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors as text.
 *
 * A function that takes a struct err fills it if, and only if, it fails.  The
 * function that knows the fault fills it; callers can put context before the
 * text, but must not replace it.
 */
#ifndef RUNNER_BASE_ERR_H
#define RUNNER_BASE_ERR_H

#include <stddef.h>

/* The cause of an error, which decides the verdict (docs/architecture.md). */
enum err_kind {
	ERR_NONE,
	ERR_USER,		/* a mistake in a test or on the command line */
	ERR_OP,			/* an operation in the guest failed */
	ERR_GUEST,		/* the guest ended: panic, reset, power off */
	ERR_BROKEN,		/* the infrastructure: QEMU, the host, a malformed frame */
	ERR_TIMEOUT,		/* a deadline passed */
	ERR_INTERRUPTED,	/* the runner got a signal */
};

struct err {
	enum err_kind kind;
	size_t console_at;	/* offset in text at which the console's last
				 * lines begin; 0: none */
	char text[8192];
};

/*
 * Sets kind and text.  Returns ret, for `return err_set(…)`.  If ret says that
 * the host lacks descriptors or memory, the kind is not ERR_USER but
 * ERR_BROKEN: that is no mistake in a test.
 */
int err_set(struct err *err, enum err_kind kind, int ret, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * Returns advice to append to a message if one of the user's limits caused the
 * error number: "; raise the limit …", or "".  Static.
 */
const char *err_limit_advice(int number);
/*
 * Appends the last lines of a guest's console, each on a line of its own ("":
 * no lines).
 */
void err_add_console(struct err *err, const char *lines);
/* Puts context before the text: "boot minimal: the agent …". */
void err_context(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
