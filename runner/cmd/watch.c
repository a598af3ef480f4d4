// SPDX-License-Identifier: GPL-2.0-only
/* provium make-watch: runs a command again after each save. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/caller.h"
#include "runner/base/deadline.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/cmd/cmd.h"
#include "runner/make/status_line.h"
#include "runner/watch/folders.h"
#include "runner/watch/inputs.h"

/*
 * An editor saves in several steps, and some programs write many files: a run
 * begins once no file has changed for SETTLE_S, but at the latest after
 * SETTLE_LIMIT_S.
 */
#define SETTLE_S 0.02
#define SETTLE_LIMIT_S 0.5
#define GRACE_S 10.0		/* time for the command to end after a signal */
#define CLOCK_GRAIN_NS 10000000	/* files get the date of the last timer tick */

struct watch {
	struct folders folders;
	char **inputs;			/* folders for inputs_add() */
	size_t nr_inputs;
	char **command;
	unsigned int nr_runs;
	int64_t saved_ns;		/* when the run was asked for */
	struct err err;
};

/*
 * Waits for a save, for the child (pidfd, or -1) or for the deadline.  0; or
 * -errno, with err filled unless it is -EINTR for a signal or -EPIPE for an
 * output whose reader has closed it.
 */
static int step(struct watch *w, struct pollfd *child, int64_t deadline)
{
	struct pollfd fds[] = {
		{ w->folders.fd, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 },
		{ STDOUT_FILENO, 0, 0 }, *child,
	};

	if (poll(fds, 4, deadline_poll_ms(deadline)) < 0 && errno != EINTR)
		return err_set(&w->err, ERR_BROKEN, -errno, "poll: %s", strerror(errno));
	*child = fds[3];
	if (interrupt_pending())
		return -EINTR;
	if (fds[2].revents & POLLERR)
		return -EPIPE;
	return folders_read(&w->folders, &w->err);
}

static struct pollfd no_child = { -1, POLLIN, 0 };

/* Waits until something was saved, and the saving has ended.  As step(). */
static int await_save(struct watch *w)
{
	int64_t limit;
	int ret = 0;

	while (!ret && !w->folders.changed)
		ret = step(w, &no_child, DEADLINE_NEVER);
	w->saved_ns = clock_ns();
	limit = deadline_in(SETTLE_LIMIT_S);
	for (bool saving = true; !ret && saving && clock_ns() < limit;) {
		struct pollfd more = { w->folders.fd, POLLIN, 0 };

		saving = poll(&more, 1, deadline_poll_ms(deadline_in(SETTLE_S))) > 0;
		ret = saving ? step(w, &no_child, 0) : 0;
	}
	return ret;
}

/* --- one run --- */

/* Becomes the command.  It ends when this process does. */
static void become(char **command, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_BROKEN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execvp(command[0], command);
	fprintf(stderr, "provium make-watch: cannot run %s: %s\n", command[0], strerror(errno));
	_exit(EXIT_BROKEN);
}

/* Ends the command by the signal that this process has got, or SIGTERM. */
static void end(pid_t pid, struct pollfd child)
{
	int sig = interrupt_pending();
	int64_t deadline = deadline_in(GRACE_S);

	kill(pid, sig ? sig : SIGTERM);
	while (poll(&child, 1, deadline_poll_ms(deadline)) < 0 && errno == EINTR)
		;
	if (!child.revents)
		kill(pid, SIGKILL);
}

/*
 * Runs the command, and notes what is saved meanwhile.  Its wait status in
 * *status.  As step().
 */
static int run_command(struct watch *w, int *status)
{
	struct pollfd child = { -1, POLLIN, 0 };
	pid_t parent = getpid(), pid;
	int ret = 0;

	fflush(NULL);
	pid = fork();
	if (!pid)
		become(w->command, parent);
	if (pid > 0)
		child.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (child.fd < 0)
		ret = err_set(&w->err, ERR_BROKEN, -errno, "cannot run %s: %s%s", w->command[0],
			      strerror(errno), err_limit_advice(errno));
	while (!ret && !child.revents)
		ret = step(w, &child, DEADLINE_NEVER);
	if (ret && child.fd >= 0)
		end(pid, child);
	while (pid > 0 && waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	if (child.fd >= 0)
		close(child.fd);
	return ret;
}

/* Prints a line of this program's own, which begins a run on a new screen. */
static void announce(struct watch *w)
{
	char *shown = w->folders.changed ? caller_path(w->folders.changed) : NULL;

	if (status_line_possible())
		printf("\033[H\033[2J");
	printf("watch: run %u%s%s\n", ++w->nr_runs, shown ? ": saved " : "", shown ? shown : "");
	free(shown);
	free(w->folders.changed);
	w->folders.changed = NULL;
}

static void conclude(const struct watch *w, int status)
{
	bool ok = WIFEXITED(status) && !WEXITSTATUS(status);

	printf("watch: run %u %s, %.1f s; waiting for the next save\n", w->nr_runs,
	       ok ? "passed" : "failed", seconds_since(w->saved_ns));
	fflush(stdout);
}

/* One run.  As step(). */
static int run_once(struct watch *w)
{
	struct timespec start;
	int status = 0, ret;

	clock_gettime(CLOCK_REALTIME, &start);
	start.tv_sec -= start.tv_nsec < CLOCK_GRAIN_NS;
	start.tv_nsec += (start.tv_nsec < CLOCK_GRAIN_NS ? 1000000000 : 0) - CLOCK_GRAIN_NS;
	announce(w);
	ret = run_command(w, &status);
	for (size_t i = 0; i < w->nr_inputs && !ret; i++)
		ret = inputs_add(&w->folders, w->inputs[i], start, &w->err);
	if (!ret)
		ret = folders_read(&w->folders, &w->err);
	if (!ret && !w->folders.changed)
		conclude(w, status);
	return ret;
}

static int watch(struct watch *w)
{
	int ret;

	setenv("PWD", caller_folder(), 1);	/* make takes relative paths from there */
	setenv("PROVIUM_WATCH", "1", 1);	/* runner/make/summary.c */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	w->saved_ns = clock_ns();
	do
		ret = run_once(w);
	while (!ret && !(ret = await_save(w)));
	if (ret == -EINTR)
		return -interrupt_pending();
	if (ret != -EPIPE)
		fprintf(stderr, "watch: %s\n", w->err.text);
	return EXIT_BROKEN;
}

static int run(int argc, char **argv)
{
	struct watch w = { .inputs = xcalloc((size_t)argc, sizeof(*w.inputs)) };
	int o, i, ret = folders_open(&w.folders, &w.err);

	while (!ret && (o = getopt(argc, argv, "+x:i:")) != -1) {
		if (o == 'x')
			folders_exclude(&w.folders, optarg);
		else if (o == 'i')
			w.inputs[w.nr_inputs++] = optarg;
		else
			return cmd_usage(&cmd_make_watch);
	}
	for (i = optind; !ret && i < argc && strcmp(argv[i], "--"); i++)
		ret = folders_add(&w.folders, argv[i], &w.err);
	if (!ret && (i == optind || i + 1 >= argc))
		return cmd_usage_error(&cmd_make_watch, "expected folders, -- and a command");
	w.command = argv + i + 1;
	if (ret) {
		fprintf(stderr, "watch: %s\n", w.err.text);
		ret = EXIT_USAGE;
	} else {
		ret = watch(&w);
	}
	folders_release(&w.folders);
	free(w.inputs);
	return ret;
}

const struct command cmd_make_watch = {
	.name = "make-watch",
	.summary = "run a command now and again after each save",
	.run = run,
	.usage =
"usage: provium make-watch [-x FOLDER]... [-i FOLDER]... PATH... -- COMMAND...\n",
	.help =
"Runs COMMAND, and again after each change of a file at or below one of the\n"
"PATHs. A change during a run leads to another run. Names that begin with a dot,\n"
"and the files that editors write beside a file, do not count. Ends by a signal.\n"
"\n"
"Options:\n"
"  -x FOLDER         do not watch FOLDER, although it is below a PATH\n"
"  -i FOLDER         after each run, also watch the files that it has read, as\n"
"                    the results of tests and of builds below FOLDER list them\n"
"\n"
"Exit status: 2 wrong arguments, or inotify's limits are too low; 3 the output\n"
"cannot be written.\n",
};
