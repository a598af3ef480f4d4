// SPDX-License-Identifier: GPL-2.0-only
/* Runs a program or the shell as a child. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/executor/answer.h"
#include "agent/executor/command.h"

/*
 * busybox's shell does not look for modprobe and modinfo in PATH: it has them
 * built in, and does not know how to fetch modules.  So this program
 * (initramfs/fetch-modules) is run before the shell.
 */
#define FETCH_MODULES "/.provium/fetch-modules"

/* Does the list set that variable (as NAME=value)? */
static bool sets(const struct wire_list *l, const char *variable)
{
	const struct wire_str *strs = l->items;
	size_t n = strcspn(variable, "=") + 1;

	for (uint32_t i = 0; i < l->nr; i++)
		if (strs[i].value.len >= n && !memcmp(strs[i].value.p, variable, n))
			return true;
	return false;
}

/*
 * Returns the default environment without the variables that the request sets,
 * followed by the request's variables.  No name may occur twice: libc uses the
 * first value, busybox's shell the last.
 */
static char **environment(struct executor *ex, const struct wire_list *l)
{
	static char *const base[] = {
		(char *)"PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		(char *)"HOME=/root", (char *)"TERM=linux", (char *)"SHELL=/bin/sh",
		(char *)"USER=root",
	};
	const struct wire_str *strs = l->items;
	size_t nr_base = sizeof(base) / sizeof(base[0]);
	char **env = executor_scratch(ex, (l->nr + nr_base + 1) * sizeof(*env));
	size_t n = 0;

	if (!env)
		return NULL;
	for (size_t i = 0; i < nr_base; i++)
		if (!sets(l, base[i]))
			env[n++] = base[i];
	for (uint32_t i = 0; i < l->nr; i++) {
		env[n] = executor_string(ex, &strs[i].value);
		if (!env[n++])
			return NULL;
	}
	env[n] = NULL;
	return env;
}

/*
 * The shell runs the last command of "sh -c" in its own process, and busybox's
 * shell has SIGQUIT ignored there.  Inside of eval it forks a process for the
 * command.  Then the shell ends as the command did: by the same signal, unless
 * that signal would only stop it.
 */
#define SHELL_TEXT "eval \"shift; $1\"\n" \
	"set -- \"$?\"\n" \
	"case $1 in 129|13[0-9]|14[0-6]|15[1-9]|1[678]?|19[0-2]) kill -$(($1 - 128)) $$; esac\n" \
	"exit $1"

/* A program to execute. */
struct image {
	const char *path;
	char **argv, **env;
	const char *cwd;
};

/*
 * Returns the path of a program, which is searched for in the PATH of the
 * environment if the name has no slash; NULL: there is none, or no memory.
 */
static const char *find_program(struct executor *ex, const char *name, char **env)
{
	char *path = executor_scratch(ex, PATH_MAX);
	const char *dirs = "";

	if (strchr(name, '/'))
		return name;
	for (; *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			dirs = *env + 5;
	while (path && *dirs) {
		int n = (int)strcspn(dirs, ":");

		if (snprintf(path, PATH_MAX, "%.*s/%s", n, dirs, name) < PATH_MAX &&
		    !access(path, X_OK))
			return path;
		dirs += n + (dirs[n] == ':');
	}
	errno = ENOENT;
	return NULL;
}

static int image_of_program(struct executor *ex, const struct wire_list *args,
			    struct image *image)
{
	const struct wire_str *strs = args->items;

	image->argv = executor_scratch(ex, (args->nr + 1) * sizeof(*image->argv));
	if (!image->argv)
		return -E2BIG;
	for (uint32_t i = 0; i < args->nr; i++) {
		image->argv[i] = executor_string(ex, &strs[i].value);
		if (!image->argv[i])
			return -E2BIG;
	}
	image->argv[args->nr] = NULL;
	image->path = find_program(ex, image->argv[0], image->env);
	return image->path ? 0 : -errno;
}

static int image_of_shell(struct executor *ex, const struct wire_bytes *text,
			  struct image *image)
{
	char *cmd = executor_string(ex, text);
	char **argv = executor_scratch(ex, 7 * sizeof(*argv));
	bool fetch = cmd && (strstr(cmd, "modprobe") || strstr(cmd, "modinfo")) &&
		!access(FETCH_MODULES, X_OK);

	if (!cmd || !argv)
		return -E2BIG;
	memcpy(argv, (char *[]){ (char *)FETCH_MODULES, (char *)"/bin/sh", (char *)"-c",
				 (char *)SHELL_TEXT, (char *)"sh", cmd, NULL },
	       7 * sizeof(*argv));
	image->path = fetch ? FETCH_MODULES : "/bin/sh";
	image->argv = fetch ? argv : argv + 1;
	return 0;
}

/*
 * Runs in the child of vfork, in the memory of the parent.  All signals are
 * blocked.  Returns only on failure: an errno.
 */
static int become(const struct command *c, const struct image *image, pid_t parent)
{
	sigset_t none;

	/*
	 * The parent may be dead already.  getppid() returns 0 if the parent is
	 * in another pid namespace.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent && getppid())
		_exit(127);
	setpgid(0, 0);
	if (c->status_fd >= 0)
		tcsetpgrp(c->fds[0], getpid());
	atomic_store(c->group, getpid());
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	for (int i = 0; i < 3; i++)
		if (dup2(c->fds[i], i) < 0)
			return errno;
	if (*image->cwd && chdir(image->cwd))
		return errno;
	prctl(PR_SET_PDEATHSIG, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(image->path, image->argv, image->env);
	return errno;
}

/*
 * All signals are blocked during the vfork, because a handler in the child
 * would run on the parent's stack.
 */
static pid_t spawn(const struct command *c, const struct image *image, int *error)
{
	volatile int failed = 0;
	sigset_t all, before;
	pid_t parent = getpid(), pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (!pid) {
		failed = become(c, image, parent);
		_exit(127);
	}
	*error = pid < 0 ? errno : failed;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* Leads the session of a terminal, as a shell does: starts one command. */
static noreturn void lead(const struct command *c, const struct image *image, pid_t parent)
{
	int error, status = 0;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent && getppid())
		_exit(1);
	setsid();
	ioctl(c->fds[0], TIOCSCTTY, 0);
	pid = spawn(c, image, &error);
	if (write(c->status_fd, &error, sizeof(error)) != sizeof(error) || error)
		_exit(1);
	/*
	 * The command has copies of the test's descriptors; this process needs
	 * none.
	 */
	dup2(c->status_fd, 0);
	syscall(SYS_close_range, 1u, ~0u, 0u);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(write(0, &status, sizeof(status)) != sizeof(status));
}

/*
 * Starts the process that leads the session of a terminal.  *error: the errno
 * of the command's start, or 0.
 */
static pid_t spawn_leader(const struct command *c, const struct image *image, int read_fd,
			  int *error)
{
	pid_t parent = getpid(), pid;
	ssize_t n;

	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		lead(c, image, parent);
	*error = errno;
	if (pid < 0)
		return pid;
	do {
		n = read(read_fd, error, sizeof(*error));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*error))
		*error = EIO;
	return pid;
}

pid_t command_start(struct executor *ex, const struct command *c)
{
	const char *cwd = executor_string(ex, c->cwd);
	struct image image = { .path = "/bin/sh", .env = environment(ex, c->env), .cwd = cwd };
	int error = E2BIG;
	pid_t pid = -1;

	if (cwd && *cwd && access(cwd, X_OK))
		return executor_fail(ex, WIRE_REASON_ERRNO, errno, "cwd %s", cwd);
	if (cwd && image.env)
		error = c->args && c->args->nr ? -image_of_program(ex, c->args, &image) :
			-image_of_shell(ex, c->cmd, &image);
	if (!error)
		pid = c->status_fd < 0 ? spawn(c, &image, &error) :
			spawn_leader(c, &image, c->status_read_fd, &error);
	if (!error)
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	atomic_store(c->group, 0);
	return executor_fail(ex, WIRE_REASON_ERRNO, error, "%s",
			     image.path ? image.path : image.argv[0]);
}
