// SPDX-License-Identifier: GPL-2.0-only
/* Programs of the host for the commands that are written in Lua. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/bind/bind.h"
#include "runner/vm/visitors.h"

#define GRACE_S 5.0	/* time for a program to end after SIGTERM */
#define ORPHANS_S 20.0	/* time for killed processes to end */
#define CANNOT_START 127

enum { OUT, ERR, NR_STREAMS };

struct command {
	pid_t pid;
	int pidfd;
	int pipe[NR_STREAMS];		/* our ends of the pipes; -1: at the end of the stream */
	struct buf text[NR_STREAMS];
	int log_fd;			/* -1: no log */
	bool show;
};

static void child(char *const argv[], const int ends[NR_STREAMS], pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CANNOT_START);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(ends[OUT], STDOUT_FILENO);
	dup2(ends[ERR], STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(CANNOT_START);
}

/*
 * Starts the program.  With a log, its stdout and stderr are one pipe, so that
 * their lines keep their order.
 */
static int start(struct command *c, char *const argv[])
{
	int ours[2] = { -1, -1 }, theirs[2] = { -1, -1 }, fds[2];
	pid_t parent = getpid();

	for (int i = 0; i < (c->log_fd >= 0 ? 1 : NR_STREAMS); i++) {
		if (pipe2(fds, O_CLOEXEC))
			return -errno;
		ours[i] = fds[0];
		theirs[i] = fds[1];
	}
	if (theirs[ERR] < 0)
		theirs[ERR] = theirs[OUT];
	fflush(NULL);
	c->pid = fork();
	if (!c->pid)
		child(argv, theirs, parent);
	close(theirs[OUT]);
	if (theirs[ERR] != theirs[OUT])
		close(theirs[ERR]);
	memcpy(c->pipe, ours, sizeof(ours));
	if (c->pid < 0)
		return -errno;
	setpgid(c->pid, c->pid);
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return c->pidfd < 0 ? -errno : 0;
}

/* Reads once from a stream.  Returns false if nothing came. */
static bool take(struct command *c, int stream)
{
	struct buf *b = &c->text[stream];
	ssize_t n = read(c->pipe[stream], buf_room(b, 65536), 65536);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (c->log_fd >= 0)
		files_write_all(c->log_fd, b->p + b->len, (size_t)n);
	if (c->show)
		files_write_all(STDOUT_FILENO, b->p + b->len, (size_t)n);
	b->len += (size_t)n;
	return true;
}

static void read_output(struct command *c)
{
	struct pollfd fds[] = {
		{ c->pidfd, POLLIN, 0 }, { c->pipe[OUT], POLLIN, 0 }, { c->pipe[ERR], POLLIN, 0 },
	};

	while (!fds[0].revents && vm_idle(DEADLINE_NEVER, fds, 3) != -EINTR)
		for (int i = 0; i < NR_STREAMS; i++)
			if (fds[1 + i].revents && !take(c, i))
				fds[1 + i].fd = -1;
}

/*
 * Ends whatever is left of the program's group.  Its processes become children
 * of this process when their parents end.
 */
static void end_group(struct command *c)
{
	struct pollfd end = { c->pidfd, POLLIN, 0 };
	int64_t deadline = deadline_in(GRACE_S);

	if (interrupt_pending()) {
		kill(-c->pid, SIGTERM);
		while (poll(&end, 1, deadline_poll_ms(deadline)) < 0)
			;	/* another signal to this process has interrupted poll() */
	}
	kill(-c->pid, SIGKILL);
}

static void drain(struct command *c)
{
	for (int i = 0; i < NR_STREAMS; i++) {
		if (c->pipe[i] < 0)
			continue;
		fcntl(c->pipe[i], F_SETFL, O_NONBLOCK);
		while (take(c, i))
			;
	}
}

static void release(struct command *c)
{
	for (int i = 0; i < NR_STREAMS; i++) {
		if (c->pipe[i] >= 0)
			close(c->pipe[i]);
		buf_release(&c->text[i]);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->log_fd >= 0)
		close(c->log_fd);
}

/*
 * Runs the program to its end, with its wait status in *status.  0, or -errno
 * with err filled.
 */
static int run(struct command *c, char *const argv[], int *status, struct err *err)
{
	int ret;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ret = start(c, argv);
	if (ret && c->pid <= 0)
		return err_set(err, ERR_BROKEN, ret, "cannot start %s: %s%s", argv[0],
			       strerror(-ret), err_limit_advice(-ret));
	if (!ret)
		read_output(c);
	end_group(c);
	while (waitpid(c->pid, status, 0) < 0 && errno == EINTR)
		;
	while (waitpid(-c->pid, NULL, 0) > 0 || errno == EINTR)
		;		/* waits for the rest of the program's process group */
	drain(c);
	if (interrupt_pending())
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	return 0;
}

/*
 * core.command({program, argument, …}, log, show): runs a program of the host
 * with an empty standard input, and kills all of its process group at its end.
 * log: a file to which its output is appended, or nil; show: also write it to
 * our standard output.  Returns the exit status (128+n if signal n killed it),
 * what it wrote to stdout, and what it wrote to stderr; with a log, both
 * streams are in the second result.  Raises an error on a signal to this
 * process, after the program has ended.
 */
int bind_l_command(lua_State *L)
{
	struct command c = { .pidfd = -1, .pipe = { -1, -1 }, .log_fd = -1,
			     .show = lua_toboolean(L, 3) };
	const char *log = luaL_optstring(L, 2, NULL);
	size_t n = (size_t)luaL_len(L, 1);
	char **argv = lua_newuserdatauv(L, sizeof(*argv) * (n + 1), 0);
	struct err err = { 0 };
	int status = 0, ret = 0;

	bind_words(L, 1, argv, n);
	argv[n] = NULL;
	if (log) {
		c.log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		if (c.log_fd < 0)
			ret = err_set(&err, ERR_BROKEN, -errno, "cannot write %s: %s", log,
				      strerror(errno));
	}
	if (!ret)
		ret = run(&c, argv, &status, &err);
	lua_pushinteger(L, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	lua_pushlstring(L, (char *)c.text[OUT].p, c.text[OUT].len);
	lua_pushlstring(L, (char *)c.text[ERR].p, c.text[ERR].len);
	release(&c);
	if (ret)
		bind_raise(L, &err);
	return 3;
}

/* --- a folder that only one runner works in --- */

/* Kills the process if it has the file open.  Returns whether it has. */
static bool kill_holder(const char *pid, const char *real)
{
	char *dir = xasprintf("/proc/%s/fd", pid), *link, target[PATH_MAX];
	DIR *fds = opendir(dir);
	bool found = false;
	ssize_t n;

	for (struct dirent *e; fds && !found && (e = readdir(fds));) {
		link = files_join(dir, e->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		found = !strcmp(target, real);
		free(link);
	}
	if (found)
		kill(atoi(pid), SIGKILL);
	if (fds)
		closedir(fds);
	free(dir);
	return found;
}

static void kill_holders(const char *path)
{
	char *real = realpath(path, NULL);
	DIR *proc = opendir("/proc");

	for (struct dirent *e; real && proc && (e = readdir(proc));)
		if (atoi(e->d_name) > 0 && atoi(e->d_name) != getpid())
			kill_holder(e->d_name, real);
	if (proc)
		closedir(proc);
	free(real);
}

/*
 * Locks the file for this process and its children, which inherit the
 * descriptor.  Kills processes that hold the lock: children of a process that
 * was killed.  0 or -errno.
 */
static int lock_for_children(const char *path)
{
	int64_t deadline = deadline_in(ORPHANS_S);
	int fd = open(path, O_RDWR | O_CREAT, 0666);

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (clock_ns() > deadline || errno != EWOULDBLOCK)
			return -errno;
		kill_holders(path);
		poll(NULL, 0, 10);
	}
	return 0;
}

/*
 * core.own(dir): makes this process the only runner that works in the folder,
 * until it ends, and ends what is left of one that was killed.  Returns true;
 * or nil and the pid of the runner that works there; or nil and an error
 * message.
 */
int bind_l_own(lua_State *L)
{
	const char *owner = lua_pushfstring(L, "%s/.owner", luaL_checkstring(L, 1));
	const char *children = lua_pushfstring(L, "%s/.children", lua_tostring(L, 1));
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(owner, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	int ret = fd < 0 ? -errno : 0;

	/* Children do not inherit this kind of lock. */
	if (!ret && fcntl(fd, F_SETLK, &lock)) {
		fcntl(fd, F_GETLK, &lock);
		lua_pushnil(L);
		lua_pushinteger(L, lock.l_pid);
		close(fd);
		return 2;
	}
	if (!ret)
		ret = lock_for_children(children);
	if (!ret) {
		lua_pushboolean(L, true);
		return 1;
	}
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", owner, strerror(-ret));
	return 2;
}
