/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits the memory of the Lua state, so that a test that collects data without
 * end gets an error, and the host's OOM killer need not choose a process.
 *
 * The limit applies only to a test's code, because the harness must be able to
 * report.  Memory outside of Lua (frames, JSON) is limited elsewhere and not
 * counted.
 */
#ifndef RUNNER_BIND_MEMORY_H
#define RUNNER_BIND_MEMORY_H

#include <lua.h>
#include <stdbool.h>

/*
 * Makes a state without libraries; a process has only one.  NULL when out of
 * memory.
 */
lua_State *memory_state_new(void);
/* Sets whether the limit applies from now on. */
void memory_set_limited(bool limited);
/*
 * core.memory_error(): returns the message for Lua's "not enough memory", and
 * the "file:line" of the test that asked for more, or nil.  Returns nothing if
 * the limit was never reached.
 */
int memory_l_error(lua_State *L);
/* core.limit_memory(): applies the limit from now on. */
int memory_l_limit(lua_State *L);

#endif
