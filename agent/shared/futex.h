/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Futexes in memory that several processes map.  So FUTEX_PRIVATE_FLAG cannot
 * be used.
 */
#ifndef AGENT_SHARED_FUTEX_H
#define AGENT_SHARED_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Sleeps while *word is while_value.  Returns on a wake-up, and sometimes
 * without one, so the caller must look at *word again.
 */
int futex_wait(_Atomic uint32_t *word, uint32_t while_value);
/* As futex_wait(), but sleeps for at most ms milliseconds. */
int futex_wait_ms(_Atomic uint32_t *word, uint32_t while_value, unsigned int ms);
/* Wakes one waiter. */
void futex_wake(_Atomic uint32_t *word);
void futex_wake_all(_Atomic uint32_t *word);

#endif
