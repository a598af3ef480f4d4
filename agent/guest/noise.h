/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Noise in the timing of a guest (`provium test --chaos`): a process that
 * interrupts the others at random instants, so that two processes of a test
 * that are ready to run take turns more often than every few milliseconds, and
 * timers expire while a process does not run.
 */
#ifndef AGENT_GUEST_NOISE_H
#define AGENT_GUEST_NOISE_H

/*
 * Starts the process.  arg: "SEED,NANOSECONDS", the seed of its random numbers
 * and the mean time between two interruptions.  0; -EINVAL: arg is not that; or
 * -errno of fork(2).
 */
int noise_start(const char *arg);

#endif
