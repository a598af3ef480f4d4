/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's state out of one QEMU and into another.
 *
 * It goes out through a socketpair, and in from a file, both given to QEMU by
 * descriptor ("fd:" is the only way in 7.2 that needs neither a name nor a helper).
 * Memory that is a shared file is left out (x-ignore-shared): only devices and
 * processors remain, some tens of kilobytes.
 */
#ifndef RUNNER_QEMU_MIGRATE_H
#define RUNNER_QEMU_MIGRATE_H

#include <stdbool.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/qemu/proc.h"
#include "runner/qemu/qmp.h"

/*
 * Sends a command and waits for its answer: 0; -EIO with err filled when QEMU
 * refuses, -EPIPE when it ends, -ETIMEDOUT, -EINTR.
 */
int migrate_command(struct qmp *q, struct proc *qemu, const char *command,
		    json_t *arguments, int64_t deadline_ns, struct err *err);
/*
 * Appends the state of a running guest to `state`; it is stopped afterwards.  Not
 * stopped before: a state that says "running" runs as soon as it is in, without
 * a command that would have to wait for that.  0 or -errno as above.
 */
int migrate_out(struct qmp *q, struct proc *qemu, struct buf *state,
		int64_t deadline_ns, struct err *err);
/*
 * The same with the memory, into a file, from its offset on.  The guest is stopped
 * first, so that all of it is written once, and stopped when it is back: "cont".
 */
int migrate_to_file(struct qmp *q, struct proc *qemu, int fd, int64_t deadline_ns,
		    struct err *err);
/*
 * Tells a QEMU that was started with -incoming defer what it will load: all of the
 * file fd (not closed, its offset not used), with the memory or without.  Then
 * migrate_in() has it do that; a guest that was saved while it ran runs as soon as
 * it is in.  Both wait for nothing: a refusal shows in whatever waits next.
 * 0 or -errno with err filled.
 */
int migrate_expect(struct qmp *q, int fd, bool memory, struct err *err);
int migrate_in(struct qmp *q, struct err *err);
/* Until QEMU says that a state has come in, or could not.  0 or -errno as above. */
int migrate_await(struct qmp *q, struct proc *qemu, int64_t deadline_ns,
		  struct err *err);

#endif
