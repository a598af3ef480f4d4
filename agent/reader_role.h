/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which process reads the link, from the supervisor's side: see
 * agent/shared/link.h.
 */
#ifndef AGENT_READER_ROLE_H
#define AGENT_READER_ROLE_H

#include "agent/roster.h"

/*
 * Lets the executor that was used last read the link, if it is idle and the
 * supervisor has the role and no bytes to handle.
 */
void reader_role_give(struct supervisor *s);
/*
 * To be called when the timer has run out: if an executor's call takes long,
 * the supervisor reads the link from now on.
 */
void reader_role_timer(struct supervisor *s);
/* Stops the timer that ends an executor's role.  To be called before a save. */
void reader_role_stop_timer(struct supervisor *s);
/*
 * To be called after an executor's death: the supervisor reads the link from
 * now on, and takes over the bytes that the executor had read.
 */
void reader_role_take_from_dead(struct supervisor *s, uint32_t channel);
/*
 * To be called after an executor was stopped: if it is in a call, the
 * supervisor reads the link from now on.
 */
void reader_role_take_from_stopped(struct supervisor *s, uint32_t channel);
/*
 * Takes the role of reading from an executor that is dead, and rings the
 * reader's doorbell: an executor that passed the role on may have died before
 * it rang.
 */
void reader_role_check(struct supervisor *s);
void reader_role_ring(struct supervisor *s);
/* Returns true if an executor reads the link, or is about to. */
bool reader_role_is_given(struct supervisor *s);
/*
 * Returns the pid of the VM's own executor, if it is idle and can read the
 * link; then it will be the reader.  Otherwise 0.
 */
pid_t reader_role_idle_executor(struct supervisor *s);
/* Tells all executors that there is a new link. */
void reader_role_new_link(struct supervisor *s);

#endif
