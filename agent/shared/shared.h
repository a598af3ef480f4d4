/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that supervisor, executors and job keepers share: a mailbox for
 * each channel, and the jobs.  Pages that are not used take no memory.
 */
#ifndef AGENT_SHARED_SHARED_H
#define AGENT_SHARED_SHARED_H

#include "agent/shared/mailbox.h"
#include "agent/shared/memory.h"

#define CHANNELS 1024u			/* the executor's (1) and the workers' */
#define JOBS 64u			/* remembered at a time */
#define JOB_KEPT_BYTES (16u << 20)	/* of each stream of a job */

enum job_state { JOB_NONE, JOB_STARTING, JOB_RUNNING, JOB_ENDED };

/* A job's keeper writes it, any executor reads it; see do_job.c. */
struct job {
	_Atomic uint32_t id;
	_Atomic uint32_t starter;	/* channel that is starting it, or 0 */
	_Atomic uint32_t state;		/* futex: enum job_state */
	_Atomic int32_t keeper;		/* pid of the keeper, or 0 */
	_Atomic int32_t pid;		/* of the shell, and of its process group */
	_Atomic int32_t error;		/* errno, if it could not be started */
	int32_t status;			/* as of wait(2), once ended */
	struct kept {
		_Atomic uint64_t claimed;	/* the keeper may be writing up to here */
		_Atomic uint64_t total;		/* bytes of the stream so far */
		_Alignas(PAGE_SIZE) uint8_t ring[JOB_KEPT_BYTES];
	} out[2];			/* stdout, stderr */
};

struct shared {
	_Atomic int32_t supervisor;	/* its pid */
	_Atomic uint32_t high;		/* channels 1 to high have been used */
	_Atomic uint32_t recent;	/* channel of the last request */
	_Atomic uint32_t last_job;	/* id of the job started last */
	struct mailbox box[CHANNELS];	/* of channel n: box[n - 1] */
	struct frame in[CHANNELS], out[CHANNELS];
	struct job jobs[JOBS];
};

#endif
