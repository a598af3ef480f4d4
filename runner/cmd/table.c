// SPDX-License-Identifier: GPL-2.0-only
/* The list of the commands. */
#include <string.h>

#include "runner/cmd/cmd.h"

static const struct group {
	const char *title;
	const struct command *commands[10];
} groups[] = {
	{ "Run tests and commands", { &cmd_test, &cmd_exec, &cmd_shell, &cmd_repl, &cmd_gdb, &cmd_replay, &cmd_make, &cmd_init } },
	{ "Find the commit", { &cmd_check, &cmd_bisect } },
	{ "Look after the host", { &cmd_doctor, &cmd_fixture, &cmd_gate, &cmd_kept } },
	{ "About this program", { &cmd_explain, &cmd_protocol, &cmd_version } },
	{ "Used by make (mk/test.mk) and by shells",
	  { &cmd_accel, &cmd_make_plan, &cmd_make_order, &cmd_make_test,
	    &cmd_make_summary, &cmd_make_matrix, &cmd_make_watch, &cmd_complete } },
	{ NULL, { NULL } },
};

const struct command *cmd_find(const char *name)
{
	for (const struct group *g = groups; g->title; g++)
		for (const struct command *const *c = g->commands; *c; c++)
			if (!strcmp((*c)->name, name))
				return *c;
	return NULL;
}

void cmd_overview(FILE *to)
{
	fputs("usage: provium COMMAND [ARGUMENT]...\n", to);
	for (const struct group *g = groups; g->title; g++) {
		fprintf(to, "\n%s\n", g->title);
		for (const struct command *const *c = g->commands; *c; c++)
			fprintf(to, "  %-18s %s\n", (*c)->name, (*c)->summary);
	}
	fputs("\n`provium COMMAND --help` explains a command.\n", to);
}
