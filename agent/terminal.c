// SPDX-License-Identifier: GPL-2.0-only
/* Terminals; see terminal.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/reply.h"
#include "agent/shared/high_fd.h"
#include "agent/shared/pty.h"
#include "agent/terminal.h"

#define INPUT_BYTES 4096u		/* most bytes of one request */
/* busybox's shell reads this file at its start (initramfs/shell-rc). */
#define SHELL_RC "/.provium/shell-rc"

struct terminal {
	uint32_t id;			/* 0: the entry is free */
	pid_t pid;			/* of the shell, its session and its first group */
	bool ended;			/* the shell has ended, with `status` */
	int status;			/* the status of waitpid(2) */
	int master;
	/*
	 * The terminal's other end.  While the supervisor has it open, reading
	 * the master waits, even if no process of the guest has the terminal
	 * open.
	 */
	int slave;
	bool wants_output;		/* output_req is to be answered */
	struct wire_header output_req;
	uint32_t input_at, input_len;	/* bytes of the input: written so far; in all */
	struct wire_header input_req;	/* to be answered when all input is written */
	uint8_t input[INPUT_BYTES];
};

static struct terminal terminals[TERMINALS];
static uint32_t last_id;

#define for_each_terminal(t)						\
	for (struct terminal *t = terminals; t < terminals + TERMINALS; t++)	\
		if (t->id)

/* --- starting a terminal with its shell --- */

static int open_pair(struct terminal *t)
{
	int ret = pty_open(&t->master, &t->slave);

	if (ret)
		return ret;
	t->master = high_fd(t->master);
	t->slave = high_fd(t->slave);
	return t->master < 0 ? t->master : t->slave < 0 ? t->slave : 0;
}

static void set_variable(const char *name, const struct wire_bytes *value)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)value->len, (const char *)value->p);
	if (*text)
		setenv(name, text, 1);
}

static noreturn void become_shell(int slave, const struct wire_terminal_req *q)
{
	sigset_t none;

	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	for (int fd = 0; fd < 3; fd++)
		dup2(slave, fd);
	syscall(SYS_close_range, 3u, ~0u, 0u);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	clearenv();
	setenv("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("ENV", SHELL_RC, 1);
	setenv("TERM", "linux", 1);
	set_variable("TERM", &q->term);
	set_variable("LANG", &q->lang);
	set_variable("PS1", &q->prompt);
	if (chdir("/root") && chdir("/"))
		dprintf(2, "provium agent: /: %s\n", strerror(errno));
	execl("/bin/bash", "bash", "-i", NULL);
	execl("/bin/sh", "sh", "-i", NULL);
	dprintf(2, "provium agent: /bin/sh: %s\r\n", strerror(errno));
	_exit(127);
}

static void release(struct terminal *t)
{
	if (t->master >= 0)
		close(t->master);
	if (t->slave >= 0)
		close(t->slave);
	t->id = 0;
}

static int start(struct terminal *t, const struct wire_terminal_req *q)
{
	int ret = open_pair(t);

	if (ret)
		return ret;
	pty_set_size(t->master, q->rows, q->cols);
	t->pid = fork();
	if (!t->pid)
		become_shell(t->slave, q);
	return t->pid < 0 ? -errno : 0;
}

static struct terminal *find(uint32_t id)
{
	for_each_terminal(t)
		if (t->id == id)
			return t;
	return NULL;
}

void terminal_start(struct supervisor *s, const struct wire_header *req,
		    const struct wire_terminal_req *q)
{
	struct terminal *t = terminals;
	struct wire_terminal_rep rep;
	char text[128];
	int ret;

	while (t < terminals + TERMINALS && t->id)
		t++;
	if (t == terminals + TERMINALS) {
		reply_fail(s, req, WIRE_REASON_BAD, "16 terminals are open, which is the most");
		return;
	}
	*t = (struct terminal){ 0 };
	ret = start(t, q);
	if (ret) {
		release(t);
		snprintf(text, sizeof(text), "cannot open a terminal (/dev/ptmx): %s",
			 strerror(-ret));
		reply_fail(s, req, WIRE_REASON_BAD, text);
		return;
	}
	t->id = ++last_id;
	rep = (struct wire_terminal_rep){ .id = t->id, .pid = t->pid };
	reply_send(s, req, &rep);
}

/* --- input and output --- */

static struct terminal *find_or_fail(struct supervisor *s, const struct wire_header *req,
				     uint32_t id)
{
	struct terminal *t = id ? find(id) : NULL;

	if (!t)
		reply_fail(s, req, WIRE_REASON_BAD, "there is no such terminal");
	return t;
}

/*
 * Writes what is left of the input to the shell.  A shell that has ended takes
 * none.
 */
static void write_input(struct supervisor *s, struct terminal *t)
{
	struct wire_nothing none;
	ssize_t n = 1;

	if (t->input_at == t->input_len)
		return;
	while (!t->ended && n > 0 && t->input_at < t->input_len) {
		n = write(t->master, t->input + t->input_at, t->input_len - t->input_at);
		if (n > 0)
			t->input_at += (uint32_t)n;
	}
	if (!t->ended && n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	t->input_at = t->input_len;
	reply_send(s, &t->input_req, &none);
}

void terminal_input(struct supervisor *s, const struct wire_header *req,
		    const struct wire_terminal_input_req *q)
{
	struct terminal *t = find_or_fail(s, req, q->id);
	struct wire_nothing none;

	if (!t)
		return;
	if (q->data.len > INPUT_BYTES || t->input_at < t->input_len) {
		reply_fail(s, req, WIRE_REASON_BAD,
			   "more than 4096 bytes, or the input before them is not written yet");
		return;
	}
	if (!q->data.len) {
		reply_send(s, req, &none);
		return;
	}
	memcpy(t->input, q->data.p, q->data.len);
	t->input_at = 0;
	t->input_len = q->data.len;
	t->input_req = *req;
	write_input(s, t);
}

/*
 * Reads the output that has arrived, into `to`.  A read(2) returns at most one
 * page of it.  Returns the number of bytes.
 */
static uint32_t read_output(struct terminal *t, uint8_t *to)
{
	uint32_t len = 0;
	ssize_t n;

	while (len < WIRE_PIECE) {
		n = read(t->master, to + len, WIRE_PIECE - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (uint32_t)n;
	}
	return len;
}

/*
 * Answers the request for output if there is output, or if the shell has ended:
 * then only once all of its output has been sent.
 */
static void answer_output(struct supervisor *s, struct terminal *t)
{
	static uint8_t bytes[WIRE_PIECE];
	struct wire_terminal_output_rep rep = { 0 };

	if (!t->wants_output)
		return;
	rep.data = (struct wire_bytes){ bytes, read_output(t, bytes) };
	if (!rep.data.len && !t->ended)
		return;
	t->wants_output = false;
	rep.ended = !rep.data.len;
	if (rep.ended && WIFSIGNALED(t->status)) {
		rep.signal = WTERMSIG(t->status);
		rep.code = 128 + rep.signal;
	} else if (rep.ended) {
		rep.code = WEXITSTATUS(t->status);
	}
	reply_send(s, &t->output_req, &rep);
	if (rep.ended)
		release(t);
}

void terminal_output(struct supervisor *s, const struct wire_header *req,
		     const struct wire_terminal_id *q)
{
	struct terminal *t = find_or_fail(s, req, q->id);

	if (!t)
		return;
	if (t->wants_output) {
		reply_fail(s, req, WIRE_REASON_BAD, "the terminal's output is asked for already");
		return;
	}
	t->wants_output = true;
	t->output_req = *req;
	answer_output(s, t);
}

void terminal_size(struct supervisor *s, const struct wire_header *req,
		   const struct wire_terminal_size_req *q)
{
	struct terminal *t = find_or_fail(s, req, q->id);
	struct wire_nothing none;

	if (!t)
		return;
	pty_set_size(t->master, q->rows, q->cols);
	reply_send(s, req, &none);
}

/* --- ending a terminal --- */

/*
 * The kernel sends SIGHUP to the shell and to the group in the foreground when
 * the master is closed; a shell can ignore that, but not SIGKILL.
 */
static void hang_up(struct terminal *t)
{
	if (!t->ended)
		kill(-t->pid, SIGKILL);
	release(t);
}

void terminal_close(struct supervisor *s, const struct wire_header *req,
		    const struct wire_terminal_id *q)
{
	struct terminal *t = find_or_fail(s, req, q->id);
	struct wire_nothing none;

	if (!t)
		return;
	if (t->wants_output)
		reply_fail(s, &t->output_req, WIRE_REASON_GONE, "the terminal was closed");
	if (t->input_at < t->input_len)
		reply_fail(s, &t->input_req, WIRE_REASON_GONE, "the terminal was closed");
	hang_up(t);
	reply_send(s, req, &none);
}

void terminal_close_all(void)
{
	for_each_terminal(t)
		hang_up(t);
}

bool terminal_child_ended(struct supervisor *s, pid_t pid, int status)
{
	for_each_terminal(t) {
		if (t->pid != pid || t->ended)
			continue;
		if (WIFSTOPPED(status))
			return true;
		t->ended = true;
		t->status = status;
		write_input(s, t);
		answer_output(s, t);
		return true;
	}
	return false;
}

/* --- what the supervisor's loop does for terminals --- */

bool terminal_any(void)
{
	for_each_terminal(t)
		return true;
	return false;
}

void terminal_poll(struct pollfd *fds)
{
	for (uint32_t i = 0; i < TERMINALS; i++) {
		const struct terminal *t = &terminals[i];
		int events = (t->wants_output ? POLLIN : 0) |
			(t->input_at < t->input_len ? POLLOUT : 0);

		fds[i] = (struct pollfd){ t->id && events ? t->master : -1, (short)events, 0 };
	}
}

void terminal_step(struct supervisor *s, const struct pollfd *fds)
{
	for (uint32_t i = 0; i < TERMINALS; i++) {
		if (!terminals[i].id || !fds[i].revents)
			continue;
		write_input(s, &terminals[i]);
		answer_output(s, &terminals[i]);
	}
}
