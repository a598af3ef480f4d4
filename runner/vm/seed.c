// SPDX-License-Identifier: GPL-2.0-only
/* A repeatable random number generator in a resumed guest; see seed.h. */
#include <errno.h>
#include <string.h>

#include "runner/qemu/gdb.h"
#include "runner/vm/seed.h"

#define KEY_BYTES 32			/* CHACHA_KEY_SIZE */
#define RET 0xc3			/* the instruction */

static uint64_t address(const json_t *rng, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(rng, name));
}

/* splitmix64: any two seeds, and any two places, give different words. */
static void make_key(uint64_t seed, unsigned int place, uint64_t key[KEY_BYTES / 8])
{
	uint64_t at = seed + place * UINT64_C(0xd1342543de82ef95);

	for (int i = 0; i < KEY_BYTES / 8; i++) {
		uint64_t z = at += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		key[i] = z ^ z >> 31;
	}
}

static int set_key(int fd, uint64_t addr, uint64_t seed, unsigned int place,
		   int64_t deadline_ns, struct err *err)
{
	uint64_t key[KEY_BYTES / 8];

	make_key(seed, place, key);
	return gdb_write(fd, addr, key, sizeof(key), deadline_ns, err);
}

int seed_guest(int fd, const json_t *rng, unsigned int cpus, uint64_t seed,
	       int64_t deadline_ns, struct err *err)
{
	static const char *const needed[] = { "base", "each", "offsets", "reseed" };
	const uint8_t ret_insn = RET;
	int ret = 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!address(rng, needed[i]))
			return err_set(err, ERR_USER, -ENOTSUP,
				       "seed: this kernel does not tell where its random number generator is (CONFIG_KALLSYMS_ALL, Linux 5.17 or later)");
	ret = set_key(fd, address(rng, "base"), seed, 0, deadline_ns, err);
	for (unsigned int cpu = 0; !ret && cpu < cpus; cpu++) {
		uint64_t offset = 0;

		ret = gdb_read(fd, address(rng, "offsets") + 8 * cpu, &offset,
			       sizeof(offset), deadline_ns, err);
		if (!ret)
			ret = set_key(fd, offset + address(rng, "each"), seed,
				      cpu + 1, deadline_ns, err);
	}
	if (!ret)
		ret = gdb_write(fd, address(rng, "reseed"), &ret_insn, 1,
				deadline_ns, err);
	return ret;
}
