/* SPDX-License-Identifier: GPL-2.0-only */
/* A directed graph of named nodes, in which circles are searched. */
#ifndef TESTS_HOST_LIB_GRAPH_H
#define TESTS_HOST_LIB_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/buf.h"

struct graph_edge {
	size_t from, to;
};

/* A graph; all zeros: empty. */
struct graph {
	char **names;
	size_t nr_names;
	struct graph_edge *edges;
	size_t nr_edges;
};

/* Adds an edge, and its nodes if they are new. Adding it twice is harmless. */
void graph_add(struct graph *g, const char *from, const char *to);
/*
 * Returns true if there is a circle, and adds one to @path as "a > b > a".  An
 * edge from a node to itself is a circle.
 */
bool graph_find_circle(const struct graph *g, struct buf *path);
void graph_release(struct graph *g);

#endif
