// SPDX-License-Identifier: GPL-2.0-only
/* provium complete: candidates for the completion of a command line. */
#include <stdio.h>
#include <stdlib.h>

#include "runner/base/buf.h"
#include "runner/cmd/cmd.h"

/* Returns what cmd_overview() prints.  The caller owns it. */
static char *overview(void)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return xstrdup("");
	cmd_overview(to);
	fclose(to);
	return text;
}

/* argv: complete, the number of the word, the words after "provium". */
static int run(int argc, char **argv)
{
	const struct command *c = argc > 2 ? cmd_find(argv[2]) : NULL;
	char **args;
	int ret;

	if (argc < 2 || !cmd_number(argv[1], (unsigned int)argc - 1))
		return cmd_usage_error(&cmd_complete, "%s: expected the number of a word, or of the "
				       "next one", argc < 2 ? "N" : argv[1]);
	args = xcalloc((size_t)argc + 1, sizeof(*args));
	args[0] = overview();
	args[1] = c ? xasprintf("%s\n%s", c->usage, c->help) : xstrdup("");
	for (int i = 1; i < argc; i++)
		args[i + 1] = argv[i];
	ret = cmd_run_module("provium.complete", argc + 1, args);
	free(args[1]);
	free(args[0]);
	free(args);
	return ret;
}

const struct command cmd_complete = {
	.name = "complete",
	.summary = "print what can stand at a place of a command line",
	.run = run,
	.usage =
"usage: provium complete N [WORD]...\n",
	.help =
"Prints the candidates for the N-th word of the command line `provium WORD...`,\n"
"counted from 1, that begin with what is there of it. Each is a line, with a\n"
"description after a tab if there is one. No candidates: a file name.\n"
"The completion of bash and zsh runs this (completion/).\n",
};
