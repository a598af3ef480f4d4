/* SPDX-License-Identifier: GPL-2.0-only */
/* The Lua files of this folder, which are part of the binary. */
#ifndef RUNNER_LUA_EMBED_H
#define RUNNER_LUA_EMBED_H

#include <lua.h>

/* Makes require "provium.NAME" return what runner/lua/NAME.lua returns. */
void embed_install(lua_State *L);

#endif
