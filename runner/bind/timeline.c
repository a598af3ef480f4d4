// SPDX-License-Identifier: GPL-2.0-only
/* The timeline of a test file (runner/gate/timeline.h), for Lua. */
#include "runner/bind/bind.h"
#include "runner/gate/timeline.h"

/* core.timeline_span(kind, from): on the clock of core.now(). */
static int l_span(lua_State *L)
{
	int kind = luaL_checkoption(L, 1, NULL, timeline_names);

	timeline_span((enum timeline_kind)kind, (int64_t)(luaL_checknumber(L, 2) * 1e9));
	return 0;
}

/* core.timeline(): the timeline up to now, as a table. */
static int l_timeline(lua_State *L)
{
	json_t *timeline = timeline_json();

	bind_push_json(L, timeline);
	json_decref(timeline);
	return 1;
}

const luaL_Reg bind_timeline_functions[] = {
	{ "timeline_span", l_span },
	{ "timeline", l_timeline },
	{ NULL, NULL },
};
