/* SPDX-License-Identifier: GPL-2.0-only */
/* The supervisor's main loop. */
#ifndef AGENT_SUPERVISE_H
#define AGENT_SUPERVISE_H

#include <stdnoreturn.h>

#include "agent/supervisor.h"

/* Runs the supervisor; ends the process when the link has ended for good. */
noreturn void supervise(const struct supervisor_config *config);

#endif
