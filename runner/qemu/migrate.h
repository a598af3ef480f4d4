/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving a guest's state out of one QEMU and into another.
 *
 * QEMU writes the state to a socketpair or a file and reads it from a file,
 * each passed as a descriptor ("fd:" is the only transport of QEMU 7.2 that
 * needs neither a file name nor a helper program).  Memory that is a shared
 * file can be left out (x-ignore-shared): devices and processors remain, some
 * tens of kilobytes.
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
 * Appends the state of a running guest, without its memory, to `state`; the
 * guest is stopped afterwards.  The guest must not be stopped before the call:
 * a state that was saved while the guest ran continues as soon as it is loaded,
 * without a "cont" that would have to wait for the load.  0 or -errno as
 * migrate_command().
 */
int migrate_out(struct qmp *q, struct proc *qemu, struct buf *state,
		int64_t deadline_ns, struct err *err);
/*
 * Writes the state with the memory to the file fd, from its offset on.  The
 * guest is stopped first, so that each page is written once.  It stays stopped,
 * and is also stopped after the state is loaded, until "cont".  0 or -errno as
 * migrate_command().
 */
int migrate_to_file(struct qmp *q, struct proc *qemu, int fd, int64_t deadline_ns,
		    struct err *err);
/*
 * Passes the file fd to a QEMU that was started with -incoming defer.  The file
 * is not closed, and all of it will be loaded, whatever its offset. memory: the
 * state includes the memory.  Then migrate_in() tells QEMU to load the file.
 * Neither function waits: if QEMU refuses, the next function that waits reports
 * it.  0 or -errno with err filled.
 */
int migrate_expect(struct qmp *q, int fd, bool memory, struct err *err);
int migrate_in(struct qmp *q, struct err *err);
/* Waits until the state is loaded.  0 or -errno as migrate_command(). */
int migrate_await(struct qmp *q, struct proc *qemu, int64_t deadline_ns,
		  struct err *err);

#endif
