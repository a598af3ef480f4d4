/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What remains of an executor that is killed: the memory that all processes of
 * the agent share.  Its registers and its private memory end with it, so two
 * steps between which this memory did not change, and no system call was made,
 * are the same to the processes that live on.
 */
#ifndef TESTS_HOST_LIB_REMAINS_H
#define TESTS_HOST_LIB_REMAINS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define REMAINS_PARTS 128

struct remains {
	pid_t pid;
	struct iovec parts[REMAINS_PARTS];	/* addresses in the executor */
	unsigned int nr_parts;
	size_t bytes;				/* size of all parts */
	uint8_t *last, *now;			/* copies, one part after another */
};

/*
 * Finds the shared memory of an executor: the link, what the channels 1 to
 * `channels` use, and the jobs.  Returns false on failure.
 */
bool remains_open(struct remains *r, pid_t pid, unsigned int channels);
/*
 * Returns true if the memory has changed since the last call; false at first.
 */
bool remains_changed(struct remains *r);
void remains_release(struct remains *r);

#endif
