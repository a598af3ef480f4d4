// SPDX-License-Identifier: GPL-2.0-only
/* The constants of provium.const that come from the kernel's own headers. */
#include "mk/gen/uapi.h"

#include "runner/bind/constants.h"

#define X(name) { #name, (long long)(name) },
const struct constant constants_uapi[] = {
#include "gen/const-uapi.h"
	{ 0, 0 }
};
