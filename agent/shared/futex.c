// SPDX-License-Identifier: GPL-2.0-only
/* Calls of futex(2), for which glibc has no functions. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/shared/futex.h"

int futex_wait(_Atomic uint32_t *word, uint32_t while_value)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAIT, while_value, NULL, NULL, 0);
}

int futex_wait_ms(_Atomic uint32_t *word, uint32_t while_value, unsigned int ms)
{
	const struct timespec limit = { ms / 1000, (long)(ms % 1000) * 1000000 };

	return (int)syscall(SYS_futex, word, FUTEX_WAIT, while_value, &limit, NULL, 0);
}

void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
