/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a call in flight waits for.  Once a call has been waited for for some
 * seconds, the runner asks the agent from time to time (the op look), which
 * reads /proc and stops nothing.
 *
 * A call is blocked if nothing in the guest will end it soon, however slow the
 * machine is: its tasks, those of the other calls and those of jobs have not
 * left a processor once, none is in a system call with a time limit, and the
 * processors have been idle and have waited for no disk.
 */
#ifndef RUNNER_VM_LOOK_H
#define RUNNER_VM_LOOK_H

#include "runner/vm/vm.h"

/*
 * Limits the time that the call may be blocked, in seconds of the guest's clock
 * and of the host's; 0: no limit.
 */
void vm_limit_blocked(struct vm_call *call, double seconds);

/*
 * Sets the function that is told what the call does that is waited for, such as
 * "read() sleeps in pipe_read"; "" when the wait has ended.
 */
void vm_on_look(void (*fn)(const char *state));

#endif
