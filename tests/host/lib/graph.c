// SPDX-License-Identifier: GPL-2.0-only
/* A directed graph of named nodes, in which circles are searched. */
#include <stdlib.h>
#include <string.h>

#include "tests/host/lib/graph.h"

enum state { NEW, ON_PATH, DONE };

/*
 * A depth-first search: the nodes on the path from its start to the current
 * one.
 */
struct search {
	const struct graph *g;
	enum state *states;
	size_t *path;
	size_t depth;
};

static size_t node(struct graph *g, const char *name)
{
	for (size_t i = 0; i < g->nr_names; i++)
		if (!strcmp(g->names[i], name))
			return i;
	g->names = xreallocarray(g->names, g->nr_names + 1, sizeof(*g->names));
	g->names[g->nr_names] = xstrdup(name);
	return g->nr_names++;
}

void graph_add(struct graph *g, const char *from, const char *to)
{
	size_t a = node(g, from), b = node(g, to);

	for (size_t i = 0; i < g->nr_edges; i++)
		if (g->edges[i].from == a && g->edges[i].to == b)
			return;
	g->edges = xreallocarray(g->edges, g->nr_edges + 1, sizeof(*g->edges));
	g->edges[g->nr_edges++] = (struct graph_edge){ a, b };
}

/*
 * Describes the circle that closes at the node @back, which is on the path
 * already.
 */
static void describe(const struct search *s, size_t back, struct buf *path)
{
	size_t i = 0;

	while (s->path[i] != back)
		i++;
	for (; i < s->depth; i++)
		buf_addf(path, "%s > ", s->g->names[s->path[i]]);
	buf_addf(path, "%s", s->g->names[back]);
}

static bool visit(struct search *s, size_t at, struct buf *path)
{
	s->states[at] = ON_PATH;
	s->path[s->depth++] = at;
	for (size_t i = 0; i < s->g->nr_edges; i++) {
		size_t to = s->g->edges[i].to;

		if (s->g->edges[i].from != at || s->states[to] == DONE)
			continue;
		if (s->states[to] == ON_PATH) {
			describe(s, to, path);
			return true;
		}
		if (visit(s, to, path))
			return true;
	}
	s->states[at] = DONE;
	s->depth--;
	return false;
}

bool graph_find_circle(const struct graph *g, struct buf *path)
{
	struct search s = {
		.g = g,
		.states = xcalloc(g->nr_names + 1, sizeof(*s.states)),
		.path = xcalloc(g->nr_names + 1, sizeof(*s.path)),
	};
	bool found = false;

	for (size_t i = 0; i < g->nr_names && !found; i++)
		found = s.states[i] == NEW && visit(&s, i, path);
	free(s.states);
	free(s.path);
	return found;
}

void graph_release(struct graph *g)
{
	for (size_t i = 0; i < g->nr_names; i++)
		free(g->names[i]);
	free(g->names);
	free(g->edges);
	*g = (struct graph){ 0 };
}
