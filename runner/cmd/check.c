// SPDX-License-Identifier: GPL-2.0-only
/* provium check judges a commit; provium bisect searches for one. */
#include "runner/cmd/cmd.h"

static int run_check(int argc, char **argv)
{
	cmd_end_with_make();
	return cmd_run_module("provium.commit", argc - 1, argv + 1);
}

static int run_bisect(int argc, char **argv)
{
	cmd_end_with_make();
	return cmd_run_module("provium.bisect", argc - 1, argv + 1);
}

const struct command cmd_check = {
	.name = "check",
	.summary = "judge the commit that is checked out, for `git bisect run`",
	.run = run_check,
	.usage =
"usage: provium check [VARIABLE=VALUE]...\n",
	.help =
"Builds what `make` builds with these variables, runs the tests chosen with T=,\n"
"and ends with one line: \"check: good\", \"check: bad: TITLE\", \"check: untestable:\n"
"REASON\" or \"check: broken: REASON\".\n"
"\n"
"Variables: those of make (MODULE=, KERNEL_SRC=, PROFILE=, ...), and\n"
"  T=GLOB            the tests, by file or folder\n"
"  TESTS=FOLDER      where they are (default: tests/ in MODULE=, else the kit's)\n"
"  MATCH=PATTERN     only a failure whose message or kernel complaint matches is\n"
"                    bad; another one makes the commit untestable\n"
"  CLONES=N          run each test N times; bad if it fails once\n"
"\n"
"Exit status, as `git bisect run` takes it: 0 good; 1 bad, a test failed as\n"
"asked; 125 untestable: the commit does not build or boot, its module does not\n"
"load, the test does not exist, or another one fails; 128 broken: the host\n"
"failed, which is no commit's fault.\n"
"\n"
"Example:\n"
"  git bisect run ~/provium/out/bin/provium check MODULE=$PWD T=ring\n",
};

const struct command cmd_bisect = {
	.name = "bisect",
	.summary = "find the commit that broke a test",
	.run = run_bisect,
	.usage =
"usage: provium bisect GOOD=REV BAD=REV [VARIABLE=VALUE]...\n",
	.help =
"Finds the first commit between GOOD and BAD where a test fails, in the git\n"
"repository of MODULE= or KERNEL_SRC=. Works in a folder of its own in\n"
"out/bisect/, and writes nothing to that repository. After an interruption, the\n"
"same command goes on where it was.\n"
"\n"
"Variables: those of `provium check`, and\n"
"  GOOD=REV          a commit where the tests pass\n"
"  BAD=REV           a later one where one of them fails\n"
"  TESTS_AT=commit   use the tests of each commit (default: the present ones)\n"
"\n"
"Exit status: 0 the commit is found, 1 only commits that cannot be tested are\n"
"left, 2 wrong arguments, GOOD or BAD, 3 the host failed.\n"
"\n"
"Example:\n"
"  provium bisect MODULE=$PWD GOOD=v1.2 BAD=HEAD T=ring\n",
};
