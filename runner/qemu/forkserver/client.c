// SPDX-License-Identifier: GPL-2.0-only
/* The runner's side of the fork server; see client.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/pass_fd.h"
#include "runner/qemu/forkserver/client.h"
#include "runner/qemu/forkserver/request.h"

#define BINARY "qemu-system-x86_64"
#define PRELOAD "bin/forkserver.so"	/* path of the library, below files_home() */
/* The descriptor number of the server's end of the socket. */
#define LINE_FD 3
#define ANSWER_TIMEOUT_S 10.0
/*
 * Room in the server's argument vector, so that ps(1) can show the arguments of
 * a VM.
 */
#define TITLE_BYTES 8192

static struct {
	pid_t owner;			/* the process that started the server */
	unsigned int requests;		/* number of requests that this
					 * process has made */
	pid_t pid;			/* the server; 0: none */
	int line;
} server;

static char **environment(const char *preload)
{
	char **env, **at;
	size_t n = 0;

	while (environ[n])
		n++;
	env = at = xcalloc(n + 3, sizeof(*env));
	*at++ = xasprintf("LD_PRELOAD=%s", preload);
	*at++ = xasprintf(FORKSERVER_LINE "=%d", LINE_FD);
	memcpy(at, environ, n * sizeof(*env));
	return env;
}

/*
 * Executes QEMU through /proc/self/fd, so that a count of the processes with
 * QEMU's name does not include the server.
 */
static int execute(int binary, const char *preload, int line, pid_t *pid)
{
	char path[40], title[TITLE_BYTES], **env = environment(preload);
	char *argv[] = { (char *)"provium-forkserver", title, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", binary);
	memset(title, ' ', sizeof(title) - 1);
	title[sizeof(title) - 1] = 0;
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, line, LINE_FD);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	ret = posix_spawn(pid, path, &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(env[0]);
	free(env[1]);
	free(env);
	return ret;
}

/*
 * Opens QEMU's binary.  Returns its descriptor; -1 if it is a script, which
 * cannot have a preload.
 */
static int open_binary(void)
{
	char *path = files_in_path(BINARY), magic[4] = "";
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1, copy = -1;

	if (fd >= 0 && read(fd, magic, 4) == 4 && !memcmp(magic, "\177ELF", 4))
		copy = fcntl(fd, F_DUPFD_CLOEXEC, LINE_FD + 1);
	if (fd >= 0)
		close(fd);
	free(path);
	return copy;
}

static void start(const char *preload)
{
	int binary, line[2];

	/* ld.so splits LD_PRELOAD at blanks and colons. */
	if (getenv("LD_PRELOAD") || strpbrk(preload, " :") || access(preload, R_OK))
		return;
	binary = open_binary();
	if (binary < 0)
		return;
	if (!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line)) {
		server.line = line[0];
		if (execute(binary, preload, line[1], &server.pid)) {
			server.pid = 0;
			close(line[0]);
		}
		close(line[1]);
	}
	close(binary);
}

/*
 * Starts the server at the second request, because most processes make only
 * one.
 */
static bool is_running(void)
{
	char *preload;

	if (server.owner != getpid()) {
		server.owner = getpid();
		server.requests = 0;
		server.pid = 0;
	}
	if (++server.requests == 2) {
		preload = files_join(files_home(), PRELOAD);
		start(preload);
		free(preload);
	}
	return server.pid;
}

void forkserver_stop(void)
{
	if (server.owner != getpid() || !server.pid)
		return;
	close(server.line);
	kill(server.pid, SIGKILL);
	while (waitpid(server.pid, NULL, 0) < 0 && errno == EINTR)
		;
	server.pid = 0;
}

/*
 * Fills in the request.  Returns false if the arguments or descriptors do not
 * fit into it.
 */
static bool fill(struct forkserver_request *req, int *sent, char *const argv[],
		 const int *fds, size_t nr_fds, int err_fd)
{
	req->parent = getpid();
	req->nr_fds = 0;
	req->text_len = 0;
	for (size_t i = 0; i <= nr_fds; i++) {
		int from = i < nr_fds ? fds[i] : err_fd;

		if (from < 0)
			continue;
		if (req->nr_fds == FORKSERVER_FDS || from >= FORKSERVER_FD_MAX)
			return false;
		sent[req->nr_fds] = from;
		req->fds[req->nr_fds++] = i < nr_fds ? from : STDERR_FILENO;
	}
	for (; *argv; argv++) {
		size_t n = strlen(*argv) + 1;

		if (req->text_len + n > sizeof(req->text))
			return false;
		memcpy(req->text + req->text_len, *argv, n);
		req->text_len += (uint32_t)n;
	}
	return true;
}

static bool pass(const struct forkserver_request *req, const int *fds)
{
	size_t len = offsetof(struct forkserver_request, text) + req->text_len;

	return pass_fd_send(server.line, req, len, fds, req->nr_fds, 0) == (ssize_t)len;
}

/*
 * Receives the answer: the new QEMU's pid, or -errno; -EPIPE: the server has
 * ended, or does not answer.
 */
static int answer(void)
{
	struct pollfd in = { server.line, POLLIN, 0 };
	int64_t deadline = deadline_in(ANSWER_TIMEOUT_S);
	int n, ret;

	while ((n = poll(&in, 1, deadline_poll_ms(deadline))) < 0 && errno == EINTR)
		;
	if (n != 1 || recv(server.line, &ret, sizeof(ret), 0) != sizeof(ret))
		return -EPIPE;
	return ret;
}

pid_t forkserver_spawn(char *const argv[], const int *fds, size_t nr_fds, int err_fd)
{
	struct forkserver_request req;
	int sent[FORKSERVER_FDS], ret = -EPIPE;

	if (strcmp(argv[0], BINARY) || !is_running())
		return -ENOENT;
	if (!fill(&req, sent, argv, fds, nr_fds, err_fd))
		return -E2BIG;
	if (pass(&req, sent))
		ret = answer();
	if (ret == -EPIPE)
		forkserver_stop();
	return ret;
}
