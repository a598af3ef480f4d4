/* SPDX-License-Identifier: GPL-2.0-only */
/* The harness's Lua files, as they lie in the binary. */
#ifndef RUNNER_LUA_EMBED_H
#define RUNNER_LUA_EMBED_H

#include <lua.h>

/* Makes require "provium.NAME" find runner/lua/NAME.lua. */
void embed_install(lua_State *L);

#endif
