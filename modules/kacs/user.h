/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies bytes from and to the caller, which is not trusted. */
#ifndef KACS_USER_H
#define KACS_USER_H

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kacs.h"

/*
 * Copies @len bytes; to be freed with kvfree().  -E2BIG (more than
 * KACS_MAX_BYTES), -EFAULT, -ENOMEM.
 */
static inline u8 *kacs_bytes_from_user(const void __user *from, size_t len)
{
	if (len > KACS_MAX_BYTES)
		return ERR_PTR(-E2BIG);
	return vmemdup_user(from, len);
}

#endif
