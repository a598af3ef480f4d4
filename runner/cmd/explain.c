// SPDX-License-Identifier: GPL-2.0-only
/* provium explain: says what a word of a report means. */
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	return cmd_run_module("provium.explain", argc - 1, argv + 1);
}

const struct command cmd_explain = {
	.name = "explain",
	.summary = "say what a word of a report means, and what to do",
	.run = run,
	.usage =
"usage: provium explain [WORD]\n"
"   or: provium explain LINE\n",
	.help =
"WORD is a verdict (FAIL, BROKEN), the kind of an error (timeout) or of a\n"
"complaint of the kernel (lockdep). LINE is a line of a kernel log, by which the\n"
"kind of the complaint is found. Without either, lists the words. The text is\n"
"that of docs/words.md.\n"
"\n"
"Exit status: 0; 2 there is no such word.\n"
"\n"
"Examples:\n"
"  provium explain BROKEN\n"
"  provium explain 'BUG: sleeping function called from invalid context'\n",
};
