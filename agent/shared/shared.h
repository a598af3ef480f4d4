/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that supervisor, executors and job keepers share: a mailbox for
 * each channel, and the jobs.  Pages that are not used need no memory.
 */
#ifndef AGENT_SHARED_SHARED_H
#define AGENT_SHARED_SHARED_H

#include "agent/shared/mailbox.h"
#include "agent/shared/memory.h"

/* Channel 1 is the VM's executor, the others are workers. */
#define CHANNELS 1024u
#define JOBS 64u			/* number of jobs that are remembered */
#define JOB_KEPT_BYTES (16u << 20)	/* bytes kept of each stream of a job */

enum job_state { JOB_NONE, JOB_STARTING, JOB_RUNNING, JOB_ENDED };

/* Written by the job's keeper, and read by any executor; see do_job.c. */
struct job {
	_Atomic uint32_t id;
	/*
	 * Channel of the executor that starts the job, until its reply has been
	 * sent; or 0.
	 */
	_Atomic uint32_t starter;
	_Atomic uint32_t state;		/* futex: enum job_state */
	_Atomic int32_t keeper;		/* pid of the keeper, or 0 */
	_Atomic int32_t pid;		/* pid of the shell, and of its process group */
	_Atomic int32_t error;		/* errno, if the shell could not be started */
	int32_t status;			/* status of wait(2), once ended */
	struct kept {
		/*
		 * The job's keeper (the process that stores its output) may be
		 * writing up to this offset.
		 */
		_Atomic uint64_t claimed;
		/* Number of bytes of the stream so far. */
		_Atomic uint64_t total;
		_Alignas(PAGE_SIZE) uint8_t ring[JOB_KEPT_BYTES];
	} out[2];			/* stdout, stderr */
};

struct shared {
	_Atomic int32_t supervisor;	/* pid of the supervisor */
	_Atomic uint32_t high;		/* channels 1 to `high` have been used */
	_Atomic uint32_t recent;	/* channel of the last request */
	_Atomic uint32_t last_job;	/* id of the job started last */
	struct mailbox box[CHANNELS];	/* box[n - 1] belongs to channel n */
	struct frame in[CHANNELS], out[CHANNELS];
	struct job jobs[JOBS];
};

/*
 * The reply of that channel's executor has been sent or will be: the worker or
 * jobs that it names do not end with the executor.
 */
static inline void shared_let_go(struct shared *shared, uint32_t starter)
{
	for (uint32_t i = 0; i < JOBS; i++)
		if (atomic_load(&shared->jobs[i].starter) == starter)
			atomic_store(&shared->jobs[i].starter, 0);
	for (uint32_t i = 0; i < atomic_load(&shared->high); i++)
		if (atomic_load(&shared->box[i].starter) == starter)
			atomic_store(&shared->box[i].starter, 0);
}

#endif
