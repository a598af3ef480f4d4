// SPDX-License-Identifier: GPL-2.0-only
/* The names of x86-64 system calls, from the system's headers. */
#include <stddef.h>

#include "runner/base/syscall_name.h"

const char *syscall_name(long long nr)
{
	static const struct {
		const char *name;
		int nr;
	} rows[] = {
#define X(name, value) { #name, value },
#include "gen/nr.h"
#undef X
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].nr == nr)
			return rows[i].name;
	return NULL;
}
