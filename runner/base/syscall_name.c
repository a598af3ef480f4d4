// SPDX-License-Identifier: GPL-2.0-only
/* The names of x86-64 system calls, from the system's headers. */
#include "runner/base/syscall_name.h"

static const struct syscall_row rows[] = {
#define X(name, value) { #name, value },
#include "gen/nr.h"
#undef X
};

const struct syscall_row *syscall_rows(size_t *nr)
{
	*nr = sizeof(rows) / sizeof(*rows);
	return rows;
}

const char *syscall_name(long long nr)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].value == nr)
			return rows[i].name;
	return NULL;
}
