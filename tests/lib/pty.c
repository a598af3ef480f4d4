// SPDX-License-Identifier: GPL-2.0-only
/*
 * pty STEPS PROGRAM [ARGUMENT]...: runs a program on a new pseudo-terminal of
 * 24 lines and 80 columns, its controlling terminal, and does the steps in the
 * file STEPS, one a line, with \xHH for any byte:
 *
 *	expect TEXT	waits until the terminal has shown TEXT since the last
 *			expect, for at most 90 s
 *	send TEXT	types
 *	keys N		types the letter x N times, one each time that the one
 *			before was shown, with 30 ms between them; adds to what
 *			was shown a line "[key N us]" for each: the time from
 *			the key to its echo
 *	resize R C	changes the size of the window
 *	pause MS	reads nothing for that time
 *	run COMMAND	runs a command of the host's, and waits for it
 *	hangup		closes the terminal
 *	signal N	sends the program that signal
 *
 * Then waits for the program's end.  Prints what the terminal has shown, and
 * then a line "[exit N]", "[signal N]" or "[no STEP]"; "[modes changed]" if the
 * terminal's modes at the end are not those at the start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char shown[64 << 20];
static size_t shown_len, seen;		/* bytes; up to the last match */
static int terminal;
static pid_t program;

/* The seconds to wait for a text or for the program's end. */
static int limit_s(void)
{
	return atoi(getenv("PTY_LIMIT"));
}

static size_t unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; to++) {
		unsigned int byte;

		if (sscanf(from, "\\x%2x", &byte) == 1) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	return (size_t)(to - text);
}

static void finish(const char *fmt, const char *detail)
{
	fwrite(shown, 1, shown_len, stdout);
	printf(fmt, detail);
	fflush(stdout);
	if (terminal >= 0)
		close(terminal);
	kill(program, SIGHUP);
	_exit(0);
}

/* Reads what is shown; false when the program has closed the terminal. */
static int show(int ms)
{
	struct pollfd p = { terminal, POLLIN, 0 };
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return 1;
	n = read(terminal, shown + shown_len, sizeof(shown) - shown_len);
	if (n > 0)
		shown_len += (size_t)n;
	return n > 0;
}

static int has_text(const char *text, size_t n)
{
	char *found = memmem(shown + seen, shown_len - seen, text, n);

	if (found)
		seen = (size_t)(found - shown) + n;
	return found != NULL;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void type_keys(long n)
{
	char line[64];

	while (n-- > 0) {
		int64_t start = now_us();

		if (write(terminal, "x", 1) != 1)
			return;
		while (!has_text("x", 1))
			if (!show(1000) || now_us() - start > limit_s() * 1000000LL)
				finish("\n[no %s]\n", "echo");
		snprintf(line, sizeof(line), "[key %lld us]\n", (long long)(now_us() - start));
		memcpy(shown + shown_len, line, strlen(line));
		seen = shown_len += strlen(line);
		usleep(30000);
	}
}

static void step(char *line)
{
	struct winsize size = { 0 };
	time_t end = time(NULL) + limit_s();
	char whole[4096];
	long wanted;
	size_t n;

	snprintf(whole, sizeof(whole), "%s", line);
	if (sscanf(line, "resize %hu %hu", &size.ws_row, &size.ws_col) == 2) {
		ioctl(terminal, TIOCSWINSZ, &size);
	} else if (sscanf(line, "pause %ld", &wanted) == 1) {
		usleep((useconds_t)wanted * 1000);
	} else if (sscanf(line, "keys %ld", &wanted) == 1) {
		type_keys(wanted);
	} else if (sscanf(line, "signal %ld", &wanted) == 1) {
		kill(program, (int)wanted);
	} else if (!strncmp(line, "run ", 4)) {
		if (system(line + 4))
			finish("\n[no %s]\n", whole);
	} else if (!strcmp(line, "hangup")) {
		close(terminal);
		terminal = -1;
	} else if (!strncmp(line, "send ", 5)) {
		n = unescape(line + 5);
		if (write(terminal, line + 5, n) != (ssize_t)n)
			finish("\n[no %s]\n", whole);
	} else {
		n = unescape(line + 7);
		while (!has_text(line + 7, n))
			if (!show(1000) || time(NULL) > end)
				finish("\n[no %s]\n", whole);
	}
}

/*
 * The shell that had this terminal before must find the terminal's modes
 * unchanged.
 */
static int same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
		a->c_lflag == b->c_lflag && a->c_cflag == b->c_cflag;
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct termios before, after;
	FILE *steps = fopen(argv[1], "re");
	time_t end;
	char line[4096], number[16];
	int status, user;

	if (argc < 3 || !steps || openpty(&terminal, &user, NULL, NULL, &size))
		return 2;
	fcntl(terminal, F_SETFD, FD_CLOEXEC);
	fcntl(user, F_SETFD, FD_CLOEXEC);
	tcgetattr(user, &before);
	program = fork();
	if (!program) {
		setsid();
		ioctl(user, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(user, fd);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	while (fgets(line, sizeof(line), steps)) {
		line[strcspn(line, "\n")] = 0;
		step(line);
		if (terminal < 0)
			close(user);
	}
	end = time(NULL) + limit_s();
	while (!waitpid(program, &status, WNOHANG)) {
		if (time(NULL) > end)
			finish("\n[no %s]\n", "end");
		if (terminal >= 0)
			show(50);
		else
			usleep(50000);
	}
	while (terminal >= 0 && poll(&(struct pollfd){ terminal, POLLIN, 0 }, 1, 0) > 0)
		if (!show(0))
			break;
	if (terminal >= 0 && !tcgetattr(user, &after) && !same_modes(&before, &after))
		finish("\n[modes changed]%s\n", "");
	snprintf(number, sizeof(number), "%d",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	finish(WIFSIGNALED(status) ? "\n[signal %s]\n" : "\n[exit %s]\n", number);
}
