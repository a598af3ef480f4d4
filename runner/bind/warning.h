/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors that __gc metamethods raise.  Lua makes warnings of them, which are
 * off by default, so that a test never learns of a finalizer that fails.
 */
#ifndef RUNNER_BIND_WARNING_H
#define RUNNER_BIND_WARNING_H

#include <lua.h>

/*
 * Prints every error of a __gc metamethod to stderr, and keeps the first one.
 */
void warning_install(lua_State *L);
/* core.gc_error(): the first error of a __gc metamethod so far, or nil. */
int warning_l_gc_error(lua_State *L);

#endif
