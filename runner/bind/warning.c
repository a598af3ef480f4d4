// SPDX-License-Identifier: GPL-2.0-only
/* Takes Lua's warnings. */
#include <stdio.h>
#include <string.h>

#include "runner/bind/warning.h"

/*
 * The first words of a warning about a failed finalizer (luaE_warnerror() of
 * Lua 5.4).
 */
#define PREFIX "error in "

static char text[512];		/* the warning so far; Lua passes it in pieces */
static char first[512];

/* lua_WarnFunction.  to_continue: another piece of this warning follows. */
static void warn(void *arg, const char *piece, int to_continue)
{
	(void)arg;
	strncat(text, piece, sizeof(text) - strlen(text) - 1);
	if (to_continue)
		return;
	if (!strncmp(text, PREFIX, strlen(PREFIX))) {
		fprintf(stderr, "provium: %s\n", text);
		if (!*first)
			strcpy(first, text);
	}
	text[0] = '\0';
}

void warning_install(lua_State *L)
{
	lua_setwarnf(L, warn, NULL);
}

int warning_l_gc_error(lua_State *L)
{
	if (!*first)
		return 0;
	lua_pushstring(L, first);
	return 1;
}
