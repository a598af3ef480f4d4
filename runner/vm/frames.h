/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent sends, given to the calls that wait for it. */
#ifndef RUNNER_VM_FRAMES_H
#define RUNNER_VM_FRAMES_H

#include "runner/vm/vm.h"

/*
 * All complete frames of vm->conn.  0; -EBADMSG or -EPROTO with err filled: the agent
 * is none of ours, or has lost its mind.
 */
int frames_take(struct vm *vm, struct err *err);

#endif
