// SPDX-License-Identifier: GPL-2.0-only
/* Runs /bin/sh -c as a child, in its own session. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
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
 * followed by these.  No name may occur twice: libc uses the first value,
 * busybox's shell the last.
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
 * Runs in the child of vfork, in the memory of the parent.  Returns only on
 * failure: an errno.
 */
static int become_shell(const struct command *c, pid_t parent, char *cmd,
			const char *cwd, char **env)
{
	char *argv[] = { (char *)"sh", (char *)"-c", cmd, NULL };
	char *fetch[] = {
		(char *)FETCH_MODULES, (char *)"/bin/sh", (char *)"-c", cmd,
		(char *)"sh", NULL
	};
	sigset_t none;

	/*
	 * The parent may be dead already.  getppid() returns 0 if the parent is
	 * in another pid namespace.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent && getppid())
		_exit(127);
	setsid();
	if (c->group)
		atomic_store(c->group, getpid());
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	for (int i = 0; i < 3; i++)
		if (dup2(c->fds[i], i) < 0)
			return errno;
	if (*cwd && chdir(cwd))
		return errno;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (strstr(cmd, "modprobe") || strstr(cmd, "modinfo"))
		execve(FETCH_MODULES, fetch, env);
	execve("/bin/sh", argv, env);
	return errno;
}

/*
 * All signals are blocked during the vfork, because a handler in the child
 * would run on the parent's stack.
 */
static pid_t spawn(const struct command *c, char *cmd, const char *cwd, char **env,
		   int *error)
{
	volatile int failed = 0;
	sigset_t all, before;
	pid_t parent = getpid(), pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (!pid) {
		failed = become_shell(c, parent, cmd, cwd, env);
		_exit(127);
	}
	*error = pid < 0 ? errno : failed;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

pid_t command_start(struct executor *ex, const struct command *c)
{
	char *cmd = executor_string(ex, c->cmd), *cwd = executor_string(ex, c->cwd);
	char **env = environment(ex, c->env);
	int error;
	pid_t pid;

	if (!cmd || !cwd || !env)
		return executor_fail(ex, WIRE_REASON_ERRNO, E2BIG, "/bin/sh");
	if (*cwd && access(cwd, X_OK))
		return executor_fail(ex, WIRE_REASON_ERRNO, errno, "cwd %s", cwd);
	pid = spawn(c, cmd, cwd, env, &error);
	if (!error)
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (c->group)
		atomic_store(c->group, 0);
	return executor_fail(ex, WIRE_REASON_ERRNO, error, "/bin/sh");
}
