/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounds the memory of the Lua state, so that a test that gathers data without
 * end gets an error, and the host's OOM killer does not choose a process.
 *
 * The limit holds for a test's code only: the harness must be able to report.
 * Memory outside of Lua (frames, JSON) is bounded elsewhere and not counted.
 */
#ifndef RUNNER_BIND_MEMORY_H
#define RUNNER_BIND_MEMORY_H

#include <lua.h>
#include <stdbool.h>

/*
 * A new state without libraries; the process has one.  NULL when out of memory.
 */
lua_State *memory_state_new(void);
/* Whether the limit holds from now on. */
void memory_set_limited(bool limited);
/*
 * core.memory_error(): the message for Lua's "not enough memory" and the
 * "file:line" of the test that asked for more, or nil.  Nothing if the limit
 * was never reached.
 */
int memory_l_error(lua_State *L);
/* core.limit_memory(): holds the limit from now on. */
int memory_l_limit(lua_State *L);

#endif
