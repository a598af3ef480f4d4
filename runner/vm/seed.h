/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A repeatable random number generator in a resumed guest.
 *
 * Seeding it from inside does not make it repeatable: the kernel mixes the time
 * of interrupts and the processor's own generator into every new key, and makes a
 * new one each minute (drivers/char/random.c).  So, while the guest is stopped, the
 * keys are set from outside, those of all processors, and crng_reseed() is made to
 * return at once: what getrandom(2), /dev/urandom and the kernel's own users get is
 * then a function of the fixture, the seed, and the order in which they ask.
 */
#ifndef RUNNER_VM_SEED_H
#define RUNNER_VM_SEED_H

#include <jansson.h>
#include <stdint.h>

#include "runner/base/err.h"

/* rng: the addresses, as in the meta.  fd: of QEMU's gdb stub.  0; -ENOTSUP: this
 * kernel's are not known; or as gdb.h. */
int seed_guest(int fd, const json_t *rng, unsigned int cpus, uint64_t seed,
	       int64_t deadline_ns, struct err *err);

#endif
