// SPDX-License-Identifier: GPL-2.0-only
/* The op exec: runs a command or a program and sends its output as it comes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/executor/command.h"
#include "agent/executor/op_fd.h"
#include "agent/ops/ops.h"
#include "agent/shared/pty.h"

enum { IN, OUT, ERR, END };		/* indices of the poll set */

#define ROWS 24				/* size of a program's terminal, in characters */
#define COLUMNS 80

struct running {
	pid_t pid;
	struct pollfd fds[4];		/* the pipes, and the process itself */
	/*
	 * With a terminal, fds[IN] and fds[OUT] are its master.  Its slave is
	 * open here as long as the program runs: without it, a program that
	 * closes the terminal for a moment would end the output.
	 */
	bool tty;
	int slave;			/* or -1 */
	int status_fd;			/* or -1; see struct command */
	const uint8_t *input;
	size_t input_left;
	uint64_t sent[3];		/* number of bytes of each stream so far */
	uint32_t limit;
	uint32_t overflow;
	char *piece;			/* WIRE_PIECE bytes */
};

/*
 * Ends the command's input.  A terminal stays open, because the output comes
 * from it, too.
 */
static void end_input(struct executor *ex, struct running *c)
{
	if (c->tty)
		c->fds[IN].fd = -1;
	else
		executor_close(ex, &c->fds[IN].fd);
}

static void feed(struct executor *ex, struct running *c)
{
	ssize_t n = 0;

	if (c->input_left)
		n = write(c->fds[IN].fd, c->input, c->input_left);
	if (n > 0) {
		c->input += n;
		c->input_left -= (size_t)n;
	}
	/*
	 * All input is written, or the command has closed its end of the pipe.
	 */
	if (!c->input_left || (n < 0 && errno != EAGAIN && errno != EINTR))
		end_input(ex, c);
}

/*
 * Reads a stream once and sends the bytes.  Returns false when there is nothing
 * to read now.
 */
static bool drain(struct executor *ex, struct running *c, int stream)
{
	ssize_t n = read(c->fds[stream].fd, c->piece, WIRE_PIECE);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		executor_close(ex, &c->fds[stream].fd);
		return false;
	}
	if (c->overflow)
		return true;
	c->sent[stream] += (uint64_t)n;
	if (c->sent[stream] > c->limit) {
		c->overflow = (uint32_t)stream;
		kill(-atomic_load(&ex->box->command), SIGKILL);
		return true;
	}
	executor_data(ex, (uint32_t)stream, c->piece, (size_t)n);
	return true;
}

/*
 * Without a pidfd (kernels before 5.3) the command counts as ended when both of
 * its streams have ended.
 */
static bool over(const struct running *c)
{
	if (c->fds[END].fd >= 0)
		return c->fds[END].revents;
	return c->fds[OUT].fd < 0 && c->fds[ERR].fd < 0;
}

/*
 * Forwards input and output until the shell has ended.  Processes that it left
 * running may still hold the pipes open.
 */
static void pump(struct executor *ex, struct running *c)
{
	while (!over(c)) {
		if (poll(c->fds, 4, -1) < 0)
			continue;
		if (c->fds[IN].revents)
			feed(ex, c);
		for (int i = OUT; i <= ERR; i++)
			if (c->fds[i].revents)
				drain(ex, c, i);
	}
	executor_close(ex, &c->slave);
	for (int i = OUT; i <= ERR; i++)
		while (c->fds[i].fd >= 0 && drain(ex, c, i))
			;
}

static void ended(struct running *c, struct wire_exec_rep *p)
{
	int status = 0, reported;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (c->status_fd >= 0 &&
	    read(c->status_fd, &reported, sizeof(reported)) == sizeof(reported))
		status = reported;
	if (WIFSIGNALED(status)) {
		p->signal = WTERMSIG(status);
		p->code = 128 + p->signal;
	} else {
		p->code = WEXITSTATUS(status);
	}
	p->overflow = c->overflow;
}

/*
 * Opens the pipes and starts the command. ends: its ends of the pipes; ends[IN]
 * is -1 or its standard input.
 */
static int start_piped(struct executor *ex, struct running *c, struct command *command, int ends[3])
{
	int pipes[3][2], ret = 0;

	for (int i = IN; i <= ERR; i++) {
		if (ends[i] >= 0 || ret || (ret = executor_pipe(ex, pipes[i])))
			continue;
		ends[i] = pipes[i][i != IN];
		c->fds[i].fd = pipes[i][i == IN];
		fcntl(c->fds[i].fd, F_SETFL, O_NONBLOCK);
	}
	if (ret)
		return executor_fail(ex, WIRE_REASON_ERRNO, -ret, "pipe");
	memcpy(command->fds, ends, sizeof(command->fds));
	c->pid = command_start(ex, command);
	if (c->pid < 0)
		return -1;
	/*
	 * command_start() stored the pid as the child sees it, which is another
	 * number if the child is in another pid namespace.
	 */
	atomic_store(&ex->box->command, c->pid);
	return 0;
}

/* As start_piped(), with a terminal instead of pipes. */
static int start_on_terminal(struct executor *ex, struct running *c, struct command *command,
			     int ends[3])
{
	int pty[2], status[2], ret = executor_pty(ex, pty);

	if (ret)
		return executor_fail(ex, WIRE_REASON_ERRNO, -ret, "/dev/ptmx");
	c->fds[IN].fd = c->fds[OUT].fd = pty[0];
	c->slave = pty[1];
	pty_set_size(c->slave, ROWS, COLUMNS);
	ret = executor_pipe(ex, status);
	if (ret)
		return executor_fail(ex, WIRE_REASON_ERRNO, -ret, "pipe");
	c->status_fd = command->status_read_fd = status[0];
	ends[0] = command->status_fd = status[1];
	for (int i = IN; i <= ERR; i++)
		command->fds[i] = c->slave;
	c->pid = command_start(ex, command);
	return c->pid < 0 ? -1 : 0;
}

static int start(struct executor *ex, struct running *c, const struct wire_exec_req *q)
{
	int ends[3] = { -1, -1, -1 }, ret;
	struct command command = {
		.cmd = &q->cmd, .args = &q->args, .cwd = &q->cwd, .env = &q->env,
		.group = &ex->box->command, .status_fd = -1, .status_read_fd = -1,
	};

	c->piece = executor_scratch(ex, WIRE_PIECE);
	if (!c->piece)
		return executor_fail(ex, WIRE_REASON_ERRNO, E2BIG, "/bin/sh");
	if (q->input_fd && !q->tty)
		ends[IN] = (int)q->input_fd;
	ret = q->tty ? start_on_terminal(ex, c, &command, ends) :
		start_piped(ex, c, &command, ends);
	for (int i = 0; i < 3; i++)
		executor_close(ex, &ends[i]);
	return ret;
}

int do_exec(struct executor *ex, const struct wire_exec_req *q,
	    struct wire_exec_rep *p)
{
	struct running c = {
		.fds = { { -1, POLLOUT, 0 }, { -1, POLLIN, 0 }, { -1, POLLIN, 0 },
			 { -1, POLLIN, 0 } },
		.tty = q->tty, .slave = -1, .status_fd = -1, .limit = q->limit,
		.input = q->input.p, .input_left = q->input.len,
	};
	int ret = start(ex, &c, q);

	if (!ret) {
		c.fds[END].fd = executor_pidfd(ex, c.pid);
		if (c.fds[END].fd < 0)
			executor_close(ex, &c.slave);	/* see over() */
		pump(ex, &c);
		ended(&c, p);
		atomic_store(&ex->box->command, 0);
	}
	end_input(ex, &c);
	for (int i = OUT; i <= END; i++)
		executor_close(ex, &c.fds[i].fd);
	executor_close(ex, &c.slave);
	executor_close(ex, &c.status_fd);
	return ret;
}
