// SPDX-License-Identifier: GPL-2.0-only
/* The runner: finds the command, runs it, and ends with its exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/err.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/cmd/cmd.h"

static int unknown(const char *name)
{
	fprintf(stderr, "provium: there is no command \"%s\"\n", name);
	cmd_overview(stderr);
	return EXIT_USAGE;
}

/* Handles `provium help` and `provium --help`, also with a command's name. */
static int help(const char *name)
{
	const struct command *c = name ? cmd_find(name) : NULL;

	if (name)
		return c ? cmd_help(c) : unknown(name);
	cmd_overview(stdout);
	return 0;
}

static int dispatch(int argc, char **argv)
{
	static char title[64];		/* getopt's messages start with argv[0] */
	const struct command *c;

	if (argc < 2) {
		cmd_overview(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return help(argv[2]);
	c = cmd_find(strcmp(argv[1], "--version") ? argv[1] : "version");
	if (!c)
		return unknown(argv[1]);
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help"))
			return cmd_help(c);
	snprintf(title, sizeof(title), "provium %s", c->name);
	argv[1] = title;
	return c->run(argc - 1, argv + 1);
}

/* If a report cannot be written to stdout, the exit status must not be 0. */
static int check_stdout(int status)
{
	bool failed = fflush(stdout) || ferror(stdout);
	int err = errno;

	if (!failed)
		return status;
	/*
	 * If an earlier write failed, its errno is lost: write again to get it.
	 */
	if (write(STDOUT_FILENO, "\n", 1) < 0)
		err = errno;
	fprintf(stderr, "provium: cannot write to stdout: %s%s\n", strerror(err),
		err_limit_advice(err));
	return EXIT_BROKEN;
}

/*
 * Opens /dev/null as each standard descriptor that is closed.  Else the first
 * files and sockets would get these numbers, and messages would be written into
 * them.  Writing to a closed stdout must still fail.
 */
static void occupy_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd)
			_exit(EXIT_BROKEN);
}

int main(int argc, char **argv)
{
	int status;

	occupy_standard_descriptors();
	status = interrupt_init();
	if (status) {
		fprintf(stderr, "provium: cannot create an eventfd: %s%s\n",
			strerror(-status), err_limit_advice(-status));
		return EXIT_BROKEN;
	}
	status = dispatch(argc, argv);
	if (status >= 0)
		status = check_stdout(status);
	fflush(NULL);
	if (status < 0) {
		/*
		 * Ends the process by the signal, so that the parent sees it in
		 * the wait status.
		 */
		signal(-status, SIG_DFL);
		raise(-status);
		return 128 - status;
	}
	return status;
}
