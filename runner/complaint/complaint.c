// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first lines of the kernel's reports.  The table has no other lines of a report,
 * so that each report counts once.
 */
#include <string.h>

#include "runner/complaint/complaint.h"

static const struct {
	const char *text;
	const char *kind;
} openings[] = {
	{ "Kernel panic - ", "panic" },
	{ "BUG: KASAN: ", "kasan" },
	{ "BUG: KFENCE: ", "kfence" },
	{ "BUG: KCSAN: ", "kcsan" },
	{ "UBSAN: ", "ubsan" },
	{ "WARNING: possible circular locking", "lockdep" },
	{ "WARNING: possible recursive locking", "lockdep" },
	{ "WARNING: inconsistent lock state", "lockdep" },
	{ "WARNING: bad unlock balance", "lockdep" },
	{ "WARNING: suspicious RCU usage", "lockdep" },
	{ "WARNING: lock held when returning to user space", "lockdep" },
	{ "WARNING: held lock freed", "lockdep" },
	{ "BUG: sleeping function called from invalid context", "atomic" },
	{ "BUG: scheduling while atomic", "atomic" },
	{ "BUG: soft lockup", "lockup" },
	{ "watchdog: BUG: soft lockup", "lockup" },
	{ "hard LOCKUP", "lockup" },
	{ "INFO: task ", "hung task" },
	{ "self-detected stall", "rcu stall" },
	{ "detected stalls on CPUs", "rcu stall" },
	{ "detected expedited stalls", "rcu stall" },
	{ "refcount_t: ", "refcount" },
	{ "list_add corruption", "list" },
	{ "list_del corruption", "list" },
	{ "general protection fault", "oops" },
	{ "stack segment: ", "oops" },
	{ "divide error: ", "oops" },
	{ "invalid opcode: ", "oops" },
	{ "unable to handle ", "oops" },
	{ "Oops: ", "oops" },
	{ "kernel BUG at ", "bug" },
	{ "WARNING: ", "warning" },
	{ "BUG: ", "bug" },
};

/* Skips "[    1.234567] ", and "[ T12] " of CONFIG_PRINTK_CALLER. */
static size_t skip_stamp(const char *line, size_t len)
{
	size_t at = 0;

	while (at < len && line[at] == '[') {
		const char *end = memchr(line + at, ']', len - at);

		if (!end)
			break;
		at = (size_t)(end - line) + 1;
		while (at < len && line[at] == ' ')
			at++;
	}
	return at;
}

const char *complaint_kind(const char *line, size_t len)
{
	size_t skip = skip_stamp(line, len);
	size_t nr = sizeof(openings) / sizeof(openings[0]);

	/* A line about a crashed user program is not a complaint. */
	if (len - skip >= 6 && !memcmp(line + skip, "traps:", 6))
		return NULL;
	for (size_t i = 0; i < nr; i++)
		if (memmem(line + skip, len - skip, openings[i].text,
			   strlen(openings[i].text)))
			return openings[i].kind;
	return NULL;
}
