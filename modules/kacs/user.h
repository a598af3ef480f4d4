/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes from and to the caller, who is not trusted. */
#ifndef KACS_USER_H
#define KACS_USER_H

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kacs.h"

/* A copy of @len bytes, for kvfree(). -E2BIG (KACS_MAX_BYTES), -EFAULT, -ENOMEM. */
static inline u8 *kacs_bytes_from_user(const void __user *from, size_t len)
{
	if (len > KACS_MAX_BYTES)
		return ERR_PTR(-E2BIG);
	return vmemdup_user(from, len);
}

#endif
