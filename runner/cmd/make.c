// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands that only mk/test.mk uses.  They prepare for `provium test
 * --verdict BASE` and process its results.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/cmd/cmd.h"
#include "runner/make/plan.h"
#include "runner/make/return_tokens.h"
#include "runner/make/summary.h"
#include "runner/run/leftovers.h"

static int run_plan(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "all", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	char **inputs = xcalloc((size_t)argc, sizeof(*inputs));
	struct plan_opts opts = { .inputs = inputs };
	struct err err;
	int o, ret = 0;

	while (!ret && (o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o == 'i')
			inputs[opts.nr_inputs++] = optarg;
		else if (o == 'a')
			opts.all = true;
		else
			ret = cmd_usage(&cmd_make_plan);
	}
	if (!ret && optind == argc)
		ret = cmd_usage_error(&cmd_make_plan, "expected the session's file");
	if (!ret && plan_write(argv[optind], argv + optind + 1, (size_t)(argc - optind - 1),
			       &opts, &err)) {
		fprintf(stderr, "provium make-plan: %s\n", err.text);
		ret = EXIT_BROKEN;
	}
	free(inputs);
	return ret;
}

static int run_order(int argc, char **argv)
{
	struct err err;

	if (argc < 2)
		return cmd_usage_error(&cmd_make_order, "expected the makefile to write");
	if (!plan_write_order(argv[1], argv + 2, (size_t)(argc - 2), &err))
		return 0;
	fprintf(stderr, "provium make-order: %s\n", err.text);
	return EXIT_BROKEN;
}

static volatile pid_t runner;

static void pass_on(int sig)
{
	int saved = errno;

	if (runner > 0)
		kill(runner, sig);
	errno = saved;
}

/*
 * Runs the command as a child, and passes signals that end a program on to it.
 * A shell could lose a SIGINT that comes while it starts a command.  Returns
 * the child's exit status, or 128 + N after signal N, as a shell does.
 */
static int run_child(char **argv)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	char *exe = realpath("/proc/self/exe", NULL);	/* its name becomes the child's */
	pid_t parent = getpid();
	sigset_t ends, before;
	int status, n = sizeof(sigs) / sizeof(sigs[0]);

	leftovers_adopt();
	sigemptyset(&ends);
	for (int i = 0; i < n; i++)
		sigaddset(&ends, sigs[i]);
	sigprocmask(SIG_BLOCK, &ends, &before);
	for (int i = 0; i < n; i++)
		sigaction(sigs[i], &sa, NULL);
	runner = fork();
	if (!runner) {
		for (int i = 0; i < n; i++)
			signal(sigs[i], SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(EXIT_BROKEN);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execv(exe ? exe : "/proc/self/exe", argv);
		_exit(EXIT_BROKEN);
	}
	free(exe);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (runner < 0) {
		fprintf(stderr, "provium make-test: fork: %s%s\n", strerror(errno),
			err_limit_advice(errno));
		return EXIT_BROKEN;
	}
	while (waitpid(runner, &status, 0) < 0)
		;
	/* What a killed runner leaves can give job tokens until it ends. */
	if (WIFSIGNALED(status))
		leftovers_end();
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_test(int argc, char **argv)
{
	char **args, *dir;
	int nr = 0, ret;

	if (argc < 3)
		return cmd_usage_error(&cmd_make_test, "expected BASE and FILE");
	args = xcalloc((size_t)argc + 3, sizeof(*args));
	dir = files_dirname(argv[1]);
	cmd_end_with_make();
	prctl(PR_SET_NAME, cmd_make_test.name);	/* "killall -9 provium" must not end it */
	files_mkdirs(dir);
	args[nr++] = (char *)"provium";
	args[nr++] = (char *)"test";
	args[nr++] = (char *)"--verdict";
	for (int i = 1; i < argc; i++)
		args[nr++] = argv[i];
	ret = run_child(args);
	if (ret)
		ret = return_tokens(argv[1], argv[argc - 1], ret);
	free(dir);
	free(args);
	return ret > 128 ? 128 - ret : ret;
}

static int run_summary(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "since", required_argument, NULL, 's' },
		{ "report", required_argument, NULL, 'r' },
		{ "history", required_argument, NULL, 'h' },
		{ "fail-fast", no_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	struct summary_opts opts = { 0 };
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 's':
			opts.since = optarg;
			break;
		case 'r':
			opts.report = optarg;
			break;
		case 'h':
			opts.history = optarg;
			break;
		case 'x':
			opts.fail_fast = true;
			break;
		default:
			return cmd_usage(&cmd_make_summary);
		}
	}
	if (optind == argc)
		return cmd_usage_error(&cmd_make_summary, "expected the BASE of a result");
	return summary_run(argv + optind, (size_t)(argc - optind), &opts);
}

const struct command cmd_make_plan = {
	.name = "make-plan",
	.summary = "begin a session: note which tests make is going to run",
	.run = run_plan,
	.usage =
"usage: provium make-plan [--all] [--input INPUT]... FILE BASE...\n",
	.help =
"Begins the session that the runners of one make share, in FILE: notes the tests\n"
"that make is going to run, and how long each took last time, for the status\n"
"line's estimate. A test will run if BASE.ok is missing or older than a\n"
"dependency of its last run.\n"
"\n"
"Options:\n"
"  --input INPUT     a further file on which all the tests depend\n"
"  --all             all the tests will run\n",
};

const struct command cmd_make_order = {
	.name = "make-order",
	.summary = "write a makefile that starts the longest tests first",
	.run = run_order,
	.usage =
"usage: provium make-order MAKEFILE BASE...\n",
	.help =
"Writes MAKEFILE, which sets ORDER to the names of the tests, the one that took\n"
"longest first. A name is BASE relative to MAKEFILE's folder. A BASE without a\n"
"result is left out.\n",
};

const struct command cmd_make_test = {
	.name = "make-test",
	.summary = "run a test file, and return the job tokens of a killed runner",
	.run = run_test,
	.usage =
"usage: provium make-test BASE [OPTION]... FILE\n",
	.help =
"Runs `provium test --verdict BASE [OPTION]... FILE`. If that fails, returns the\n"
"job tokens that it had taken from make. If a signal other than SIGHUP, SIGINT or\n"
"SIGTERM killed it, also writes a BROKEN result.\n"
"\n"
"Exit status: 0 if a result says how FILE ended, else that of `provium test`.\n",
};

const struct command cmd_make_summary = {
	.name = "make-summary",
	.summary = "sum up the results and write the reports",
	.run = run_summary,
	.usage =
"usage: provium make-summary [OPTION]... BASE...\n",
	.help =
"Prints the failures and the totals of the results that `provium test --verdict\n"
"BASE` has written. A BASE without a result is BROKEN.\n"
"\n"
"Options:\n"
"  --since FILE      a result older than FILE is from an earlier run: counted as\n"
"                    reused if BASE.ok exists, else as missing\n"
"  --report DIR      write results.tap, junit.xml, results.jsonl, summary.md,\n"
"                    annotations.txt and index.html to DIR\n"
"  --history FILE    add the run to FILE, which keeps the last 50, and show these\n"
"                    in index.html\n"
"  --fail-fast       do not count a missing result as broken: make stopped early\n"
"\n"
"Exit status: 0 all tests passed, 1 a test failed, 3 a test is broken or a report\n"
"could not be written.\n",
};

static int run_matrix(int argc, char **argv)
{
	if (argc < 3)
		return cmd_usage_error(&cmd_make_matrix, "expected a folder and kernels");
	return cmd_run_module("provium.matrix", argc - 1, argv + 1);
}

const struct command cmd_make_matrix = {
	.name = "make-matrix",
	.summary = "print the results on several kernels as a table",
	.run = run_matrix,
	.usage =
"usage: provium make-matrix DIR KERNEL...\n",
	.help =
"Prints a table with a row for each test file and a column for each KERNEL, made\n"
"from DIR/KERNEL/results.jsonl, then the tests that fail on some of the kernels\n"
"only. Writes the same to DIR/matrix.txt. A kernel without results was not built.\n"
"\n"
"Exit status: 0 all tests passed, 1 a test failed, 2 a kernel was not built, 3 a\n"
"test is broken.\n",
};
