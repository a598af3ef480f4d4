/* SPDX-License-Identifier: GPL-2.0-only */
/* Notices the end of thread workers, which sends no SIGCHLD. */
#ifndef AGENT_THREAD_WATCH_H
#define AGENT_THREAD_WATCH_H

#include "agent/supervisor.h"

/* Begins to watch new thread workers, and reaps those that have ended. */
void thread_watch_all(struct supervisor *s);

#endif
