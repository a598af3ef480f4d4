/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells what the calls in flight wait for. */
#ifndef AGENT_LOOK_H
#define AGENT_LOOK_H

#include "agent/roster.h"

/* Answers the op look. */
void look_answer(struct supervisor *s, const struct wire_header *req);

#endif
