// SPDX-License-Identifier: GPL-2.0-only
/* Memory figures from /proc and from the control group's files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/gate/budget.h"

#define MEMINFO "/proc/meminfo"
/*
 * The part of the memory that is kept free of VMs: a sixteenth, and at least
 * this many bytes.
 */
#define RESERVE_SHARE 16
#define RESERVE_MIN (256ull << 20)
#define RUNNER_BYTES (64ull << 20)	/* a runner and its Lua code: 20 MiB measured */
/*
 * Memory is tight if some task stalls for it in more than this percentage of
 * the time.
 */
#define TIGHT_PERCENT 10.0

/* Reads the number after `key` in a file; -1 if there is none. */
static int64_t number(const char *path, const char *key)
{
	struct buf b = { 0 };
	const char *at = NULL;
	int64_t v = -1;

	if (!buf_read_file(&b, path))
		at = strstr(buf_str(&b), key);
	if (at && strspn(at + strlen(key), " \t0123456789"))
		v = strtoll(at + strlen(key), NULL, 10);
	buf_release(&b);
	return v;
}

/*
 * Reads the number in a file of this process's control group (version 2); -1:
 * "max", or no such file.
 */
static int64_t cgroup(const char *name)
{
	struct buf b = { 0 };
	char *path, *at, *end;
	int64_t v;

	if (buf_read_file(&b, "/proc/self/cgroup") ||
	    !(at = strstr(buf_str(&b), "0::/"))) {
		buf_release(&b);
		return -1;
	}
	at += 3;
	end = at + strcspn(at, "\n");
	path = xasprintf("/sys/fs/cgroup%.*s/%s", (int)(end - at), at, name);
	v = number(path, "");
	free(path);
	buf_release(&b);
	return v;
}

static uint64_t smaller(uint64_t machine, int64_t group)
{
	return group >= 0 && (uint64_t)group < machine ? (uint64_t)group : machine;
}

uint64_t budget_available(void)
{
	int64_t kib = number(MEMINFO, "MemAvailable:");
	int64_t max = cgroup("memory.max"), used = cgroup("memory.current");

	/* Kernels before Linux 3.14 have no MemAvailable. */
	if (kib < 0)
		kib = number(MEMINFO, "MemFree:");
	return smaller(kib < 0 ? 0 : (uint64_t)kib << 10,
		       max < 0 || used < 0 ? -1 : max > used ? max - used : 0);
}

uint64_t budget_total(void)
{
	int64_t kib = number(MEMINFO, "MemTotal:");

	return smaller(kib < 0 ? 0 : (uint64_t)kib << 10, cgroup("memory.max"));
}

int budget_check(struct err *err)
{
	struct buf b = { 0 };
	int ret = buf_read_file(&b, MEMINFO);

	buf_release(&b);
	return ret ? err_set(err, ERR_BROKEN, ret, "gate: cannot read %s: %s%s", MEMINFO,
			     strerror(-ret), err_limit_advice(-ret)) : 0;
}

uint64_t budget_resident(pid_t pid)
{
	unsigned long resident = 0, shared = 0;
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu %lu", &resident, &shared) != 2)
		resident = shared = 0;
	fclose(f);
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool budget_is_tight(void)
{
	struct buf b = { 0 };
	const char *at = NULL;
	bool tight;

	if (!buf_read_file(&b, "/proc/pressure/memory"))
		at = strstr(buf_str(&b), "some avg10=");
	tight = at && strtod(at + strlen("some avg10="), NULL) > TIGHT_PERCENT;
	buf_release(&b);
	return tight;
}

/*
 * Returns the resident memory of the VMs of all rows, the processes in the
 * ledger.
 */
static uint64_t sum_resident(const struct ledger_rows *rows)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->n; i++)
		for (int k = 0; k < LEDGER_VMS; k++)
			if (rows->row[i].vms[k] > 0)
				sum += budget_resident(rows->row[i].vms[k]);
	return sum;
}

static uint64_t reserve(void)
{
	uint64_t share = budget_total() / RESERVE_SHARE;

	return share > RESERVE_MIN ? share : RESERVE_MIN;
}

struct room budget_room(const struct room *limit, const struct ledger_rows *rows)
{
	uint64_t total = budget_available() + sum_resident(rows), keep = reserve();

	return (struct room){
		.memory = limit->memory ? limit->memory : total > keep ? total - keep : 0,
		.cpus = limit->cpus ? limit->cpus : UINT64_MAX,
	};
}

uint64_t budget_machine_for(uint64_t memory)
{
	uint64_t needed = memory + RUNNER_BYTES, share = needed / (RESERVE_SHARE - 1);

	return needed + (share > RESERVE_MIN ? share : RESERVE_MIN);
}
