/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers in unaligned bytes.  The kernel's header for them has another name
 * since Linux 6.12.
 */
#ifndef KACS_BYTES_H
#define KACS_BYTES_H

#if __has_include(<linux/unaligned.h>)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif
