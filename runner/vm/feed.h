/* SPDX-License-Identifier: GPL-2.0-only */
/* The standard input of this process as that of a command in the guest. */
#ifndef RUNNER_VM_FEED_H
#define RUNNER_VM_FEED_H

#include "runner/vm/vm.h"

/*
 * A pipe in the guest: the number of its writing end, and the channel of the
 * executor that has it open.
 */
struct feed_pipe {
	uint32_t channel;
	uint32_t fd;
};

/*
 * Waits for a call as vm_wait() does.  Meanwhile copies stdin to the pipe, and
 * closes the pipe at the end of stdin.  Reads stdin only when the pipe has
 * taken what was read before, and no more once the pipe's reader has closed it.
 * A terminal is not read while this process is in its background, where that
 * would stop the process.
 */
int feed_wait(struct vm *vm, struct vm_call *call, const struct feed_pipe *to,
	      int64_t deadline_ns, const char *label, struct err *err);

#endif
