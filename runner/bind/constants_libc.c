// SPDX-License-Identifier: GPL-2.0-only
/* The constants of provium.const that come from libc's headers. */
#include "mk/gen/libc.h"

#include "runner/bind/constants.h"

#define X(name) { #name, (long long)(name) },
const struct constant constants_libc[] = {
#include "gen/const-libc.h"
	{ 0, 0 }
};
