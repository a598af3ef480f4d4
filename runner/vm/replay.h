/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM that replays a recording: the guest executes the recorded instructions,
 * and gets from the log what it got from outside.  There is no agent to talk
 * to: what the guest sends is dropped, and vm_state() stays VM_BOOTING.
 */
#ifndef RUNNER_VM_REPLAY_H
#define RUNNER_VM_REPLAY_H

#include "runner/vm/vm.h"

#define REPLAY_TO_END UINT64_MAX

typedef void replay_progress(uint64_t count, double seconds, void *arg);

/*
 * Starts a QEMU that replays the log.  opts, accel and shift are those of the
 * recorded VM; takes opts and the log's descriptor over, even on failure.  The
 * guest is stopped before its first instruction.  0 or -errno with err filled.
 */
int vm_replay_start(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
		    unsigned int shift, int log_fd, struct err *err);
/*
 * Lets the guest run until it has executed `until` instructions or the log has
 * ended; then the guest is stopped.  Calls progress every ten seconds with the
 * number of instructions executed and the seconds gone by.  0, and *count is
 * the number of instructions it has executed; -EINVAL: it has executed more
 * than that already; -EIO: the guest does not do what the log says; -EINTR;
 * with err filled.
 */
int vm_replay_run(struct vm *vm, uint64_t until, replay_progress *progress, void *arg,
		  uint64_t *count, struct err *err);
/*
 * Connects QEMU's gdb stub to the socket fd, and returns when the other end has
 * closed it.  0 or -errno with err filled.
 */
int vm_replay_serve(struct vm *vm, int fd, struct err *err);

#endif
