// SPDX-License-Identifier: GPL-2.0-only
/* The op exec: runs a shell command and sends its output as it comes. */
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

enum { IN, OUT, ERR, END };		/* indices of the poll set */

struct running {
	pid_t pid;
	struct pollfd fds[4];		/* the pipes, and the process itself */
	const uint8_t *input;
	size_t input_left;
	uint64_t sent[3];		/* number of bytes of each stream so far */
	uint32_t limit;
	uint32_t overflow;
	char *piece;			/* WIRE_PIECE bytes */
};

static int make_pipes(struct executor *ex, int pipes[3][2])
{
	int ret = 0;

	for (int i = 0; i < 3 && !ret; i++)
		ret = executor_pipe(ex, pipes[i]);
	return ret;
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
		executor_close(ex, &c->fds[IN].fd);
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
		kill(-c->pid, SIGKILL);
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
	for (int i = OUT; i <= ERR; i++)
		while (c->fds[i].fd >= 0 && drain(ex, c, i))
			;
}

static void ended(struct running *c, struct wire_exec_rep *p)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		p->signal = WTERMSIG(status);
		p->code = 128 + p->signal;
	} else {
		p->code = WEXITSTATUS(status);
	}
	p->overflow = c->overflow;
}

static int start(struct executor *ex, struct running *c,
		 const struct wire_exec_req *q, int pipes[3][2])
{
	int ret = make_pipes(ex, pipes);
	struct command command = {
		.cmd = &q->cmd, .cwd = &q->cwd, .env = &q->env,
		.fds = { pipes[0][0], pipes[1][1], pipes[2][1] },
		.group = &ex->box->command,
	};

	if (ret)
		return executor_fail(ex, WIRE_REASON_ERRNO, -ret, "pipe");
	c->piece = executor_scratch(ex, WIRE_PIECE);
	if (!c->piece)
		return executor_fail(ex, WIRE_REASON_ERRNO, E2BIG, "/bin/sh");
	c->pid = command_start(ex, &command);
	return c->pid < 0 ? -1 : 0;
}

int do_exec(struct executor *ex, const struct wire_exec_req *q,
	    struct wire_exec_rep *p)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct running c = {
		.input = q->input.p, .input_left = q->input.len,
		.limit = q->limit,
	};
	int ret = start(ex, &c, q, pipes), pidfd = -1;

	executor_close(ex, &pipes[0][0]);
	executor_close(ex, &pipes[1][1]);
	executor_close(ex, &pipes[2][1]);
	if (!ret) {
		/*
		 * command_start() stored the pid as the child sees it, which is
		 * another number if the child is in another pid namespace.
		 */
		atomic_store(&ex->box->command, c.pid);
		pidfd = executor_pidfd(ex, c.pid);
		fcntl(pipes[0][1], F_SETFL, O_NONBLOCK);
		fcntl(pipes[1][0], F_SETFL, O_NONBLOCK);
		fcntl(pipes[2][0], F_SETFL, O_NONBLOCK);
		c.fds[IN] = (struct pollfd){ pipes[0][1], POLLOUT, 0 };
		c.fds[OUT] = (struct pollfd){ pipes[1][0], POLLIN, 0 };
		c.fds[ERR] = (struct pollfd){ pipes[2][0], POLLIN, 0 };
		c.fds[END] = (struct pollfd){ pidfd, POLLIN, 0 };
		pump(ex, &c);
		ended(&c, p);
		atomic_store(&ex->box->command, 0);
		executor_close(ex, &pidfd);
		pipes[0][1] = c.fds[IN].fd;
		pipes[1][0] = c.fds[OUT].fd;
		pipes[2][0] = c.fds[ERR].fd;
	}
	executor_close(ex, &pipes[0][1]);
	executor_close(ex, &pipes[1][0]);
	executor_close(ex, &pipes[2][0]);
	return ret;
}
