/* SPDX-License-Identifier: GPL-2.0-only */
/* Lua states in which the harness runs. */
#ifndef RUNNER_BIND_STATE_H
#define RUNNER_BIND_STATE_H

#include <lua.h>

/*
 * A state with Lua's standard libraries, provium.core, and the harness's
 * modules as `require "provium.NAME"`.  The caller closes it with lua_close().
 * NULL when out of memory.
 */
lua_State *bind_state_new(void);

#endif
