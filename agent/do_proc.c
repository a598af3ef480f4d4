// SPDX-License-Identifier: GPL-2.0-only
/* Shell commands: their input, their output as it comes, how they ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ops.h"

#define MAX_ENV 256

enum { IN, OUT, ERR, END };		/* indices of the poll set */

struct command {
	pid_t pid;
	struct pollfd fds[4];		/* pipes, and the process itself */
	const uint8_t *input;
	size_t input_left;
	uint64_t sent[3];		/* bytes of each stream so far */
	uint32_t limit;
	uint32_t overflow;
};

static char *string(struct executor *ex, const struct wire_bytes *b)
{
	char *s = executor_scratch(ex, b->len + 1u);

	if (s) {
		memcpy(s, b->p, b->len);
		s[b->len] = 0;
	}
	return s;
}

static bool names(const struct wire_list *l, const char *variable)
{
	const struct wire_str *strs = l->items;
	size_t n = strcspn(variable, "=") + 1;

	for (uint32_t i = 0; i < l->nr; i++)
		if (strs[i].value.len >= n && !memcmp(strs[i].value.p, variable, n))
			return true;
	return false;
}

/*
 * The default environment, less what the request has its own words for: of two
 * equal names libc takes the first and busybox's shell the last.
 */
static char **environment(struct executor *ex, const struct wire_list *l)
{
	static char *const base[] = {
		(char *)"PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		(char *)"HOME=/root", (char *)"TERM=linux",
	};
	const struct wire_str *strs = l->items;
	size_t nr_base = sizeof(base) / sizeof(base[0]);
	char **env = executor_scratch(ex, (l->nr + nr_base + 1) * sizeof(*env));
	size_t n = 0;

	if (!env)
		return NULL;
	for (size_t i = 0; i < nr_base; i++)
		if (!names(l, base[i]))
			env[n++] = base[i];
	for (uint32_t i = 0; i < l->nr; i++) {
		env[n] = string(ex, &strs[i].value);
		if (!env[n++])
			return NULL;
	}
	env[n] = NULL;
	return env;
}

static int make_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC))
			return -errno;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn_shell(struct command *c, int pipes[3][2], const char *cwd,
		       char *cmd, char **env)
{
	char *argv[] = { (char *)"sh", (char *)"-c", cmd, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int ret;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID |
				 POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_adddup2(&fa, pipes[0][0], 0);
	posix_spawn_file_actions_adddup2(&fa, pipes[1][1], 1);
	posix_spawn_file_actions_adddup2(&fa, pipes[2][1], 2);
	if (*cwd)
		posix_spawn_file_actions_addchdir_np(&fa, cwd);
	ret = posix_spawn(&c->pid, "/bin/sh", &fa, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -ret;
}

static void feed(struct command *c)
{
	ssize_t n = 0;

	if (c->input_left)
		n = write(c->fds[IN].fd, c->input, c->input_left);
	if (n > 0) {
		c->input += n;
		c->input_left -= (size_t)n;
	}
	/* Nobody reads it any more, or that was all. */
	if (!c->input_left || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&c->fds[IN].fd);
}

/* False when there is nothing to read now. */
static bool drain(struct executor *ex, struct command *c, int stream)
{
	static char piece[WIRE_PIECE];
	ssize_t n = read(c->fds[stream].fd, piece, sizeof(piece));

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_fd(&c->fds[stream].fd);
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
	executor_data(ex, (uint32_t)stream, piece, (size_t)n);
	return true;
}

/* Without a pidfd (kernels before 5.3) the end is the end of both streams. */
static bool over(const struct command *c)
{
	if (c->fds[END].fd >= 0)
		return c->fds[END].revents;
	return c->fds[OUT].fd < 0 && c->fds[ERR].fd < 0;
}

/* Until the shell has ended; what it left running may keep the pipes. */
static void pump(struct executor *ex, struct command *c)
{
	while (!over(c)) {
		if (poll(c->fds, 4, -1) < 0)
			continue;
		if (c->fds[IN].revents)
			feed(c);
		for (int i = OUT; i <= ERR; i++)
			if (c->fds[i].revents)
				drain(ex, c, i);
	}
	for (int i = OUT; i <= ERR; i++)
		while (c->fds[i].fd >= 0 && drain(ex, c, i))
			;
}

static void ended(struct command *c, struct wire_exec_rep *p)
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

static int start(struct executor *ex, struct command *c,
		 const struct wire_exec_req *q, int pipes[3][2])
{
	char *cmd = string(ex, &q->cmd), *cwd = string(ex, &q->cwd);
	char **env = environment(ex, &q->env);
	int ret;

	if (!cmd || !cwd || !env)
		return executor_fail(ex, WIRE_WHY_ERRNO, E2BIG, "/bin/sh");
	ret = make_pipes(pipes);
	if (ret)
		return executor_fail(ex, WIRE_WHY_ERRNO, -ret, "pipe");
	if (*cwd && access(cwd, X_OK))
		return executor_fail(ex, WIRE_WHY_ERRNO, errno, "cwd %s", cwd);
	ret = spawn_shell(c, pipes, cwd, cmd, env);
	if (ret)
		return executor_fail(ex, WIRE_WHY_ERRNO, -ret, "/bin/sh");
	return 0;
}

int do_exec(struct executor *ex, const struct wire_exec_req *q,
	    struct wire_exec_rep *p)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct command c = {
		.input = q->input.p, .input_left = q->input.len,
		.limit = q->limit,
	};
	int ret = start(ex, &c, q, pipes), pidfd = -1;

	close_fd(&pipes[0][0]);
	close_fd(&pipes[1][1]);
	close_fd(&pipes[2][1]);
	if (!ret) {
		atomic_store(&ex->box->command, c.pid);
		pidfd = (int)syscall(SYS_pidfd_open, c.pid, 0);
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
		close_fd(&pidfd);
		pipes[0][1] = c.fds[IN].fd;
		pipes[1][0] = c.fds[OUT].fd;
		pipes[2][0] = c.fds[ERR].fd;
	}
	close_fd(&pipes[0][1]);
	close_fd(&pipes[1][0]);
	close_fd(&pipes[2][0]);
	return ret;
}
