// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into QEMU (LD_PRELOAD), this library makes a fork server of it:
 * QEMU is loaded and linked, but does not begin to run.  It forks for each
 * request, and the fork begins to run as QEMU with the arguments and
 * descriptors of the request.  The runner's side is client.c.
 *
 * This library replaces __libc_start_main, which the program's first
 * instructions call.  At that point the libraries are ready (two thirds of the
 * time that QEMU needs to start), no code of the program has run, and there is
 * one thread.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/qemu/child_setup.h"
#include "runner/qemu/forkserver/request.h"

typedef int main_fn(int, char **, char **);
typedef int start_fn(main_fn *, int, char **, void (*)(void), void (*)(void),
		     void (*)(void), void *);

start_fn __libc_start_main;

static struct {
	int line;			/* the connection to the runner */
	char *title, *title_end;	/* the memory from which ps(1) reads
					 * the arguments */
	struct forkserver_request req;
	int fds[FORKSERVER_FDS];	/* the received descriptors, in the
					 * order of req.fds */
} server;

/* --- the forked process, which becomes QEMU --- */

/*
 * Makes ps(1) and /proc/PID/cmdline show the VM's arguments, as far as they
 * fit.
 */
static void show_arguments(void)
{
	size_t room = (size_t)(server.title_end - server.title);
	size_t n = server.req.text_len < room ? server.req.text_len : room;

	memset(server.title, 0, room);
	memcpy(server.title, server.req.text, n);
	server.title[room - 1] = 0;
	prctl(PR_SET_NAME, server.req.text);
}

static bool place_descriptors(void)
{
	close(server.line);
	for (size_t i = 0; i < server.req.nr_fds; i++) {
		if (dup2(server.fds[i], server.req.fds[i]) < 0)
			return false;
		close(server.fds[i]);
	}
	return true;
}

/*
 * Returns the *n arguments of the request, which are never freed.  NULL: no
 * memory.
 */
static char **arguments(int *n)
{
	const char *end = server.req.text + server.req.text_len;
	char **argv, *at;

	*n = 0;
	for (at = server.req.text; at < end; at += strlen(at) + 1)
		++*n;
	argv = calloc((size_t)*n + 1, sizeof(*argv));
	at = server.req.text;
	for (int i = 0; argv && i < *n; i++, at += strlen(at) + 1)
		argv[i] = at;
	return argv;
}

/*
 * Runs in the forked process, which is a child of the runner, not of the server
 * (CLONE_PARENT).
 */
static char **become_qemu(int *argc)
{
	child_setup(server.req.parent);
	if (!place_descriptors())
		_exit(1);
	show_arguments();
	return arguments(argc);
}

/* --- the server, which receives requests and forks --- */

/*
 * Moves the received descriptors above all requested numbers.  0 or -errno:
 * EINVAL if the limit of open files is below these numbers.
 */
static int take_descriptors(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n = 0;
	int ret = 0;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		server.fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, FORKSERVER_FD_MAX);
		if (server.fds[i] < 0)
			ret = -errno;
		close(fd);
	}
	return n == server.req.nr_fds ? ret : -EMFILE;
}

/*
 * Checks the numbers of the requested descriptors.  Returns false if a library
 * has one of them open.
 */
static bool are_free(void)
{
	for (size_t i = 0; i < server.req.nr_fds; i++) {
		int to = server.req.fds[i];

		if (to > STDERR_FILENO && to != server.line && fcntl(to, F_GETFD) >= 0)
			return false;
	}
	return true;
}

/*
 * Receives the next request.  Returns 1; 0 if the runner has closed the
 * connection; -errno if the request cannot be fulfilled.
 */
static int receive(void)
{
	union {
		char raw[CMSG_SPACE(FORKSERVER_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &server.req, sizeof(server.req) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.raw, .msg_controllen = sizeof(control.raw),
	};
	ssize_t n;
	int ret;

	do {
		n = recvmsg(server.line, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < (ssize_t)offsetof(struct forkserver_request, text))
		return 0;
	ret = take_descriptors(&msg);
	if (!ret && !are_free())
		ret = -EBUSY;
	return ret ? ret : 1;
}

/*
 * Forks with the runner as the parent, which fork(3) cannot do.  Returns the
 * pid, 0 in the fork, or -errno.
 *
 * For a process with one thread, glibc's fork() also updates its record of the
 * thread id and calls the libraries' fork handlers.  Neither is needed here:
 * the libraries' random number generators are seeded at their first use, which
 * is after this fork.
 */
static int copy(void)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	return pid < 0 ? -errno : (int)pid;
}

/*
 * Handles requests.  Returns true in a fork, which must begin as QEMU; false
 * when the server must end.
 */
static bool serve(void)
{
	int answer;

	while ((answer = receive())) {
		if (answer > 0)
			answer = copy();
		if (!answer)
			return true;
		for (size_t i = 0; i < server.req.nr_fds; i++)
			close(server.fds[i]);
		if (send(server.line, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	return false;
}

int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void),
		      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	start_fn *start = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");
	const char *line = getenv(FORKSERVER_LINE);

	if (!line)
		_exit(1);
	server.line = atoi(line);
	unsetenv(FORKSERVER_LINE);
	unsetenv("LD_PRELOAD");
	server.title = argv[0];
	server.title_end = argv[argc - 1] + strlen(argv[argc - 1]);
	memset(argv[argc - 1], 0, strlen(argv[argc - 1]));
	prctl(PR_SET_NAME, "forkserver");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!serve())
		_exit(0);
	argv = become_qemu(&argc);
	if (!argv)
		_exit(1);
	return start(main, argc, argv, init, fini, rtld_fini, stack_end);
}
