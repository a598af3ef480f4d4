// SPDX-License-Identifier: GPL-2.0-only
/* /bin/sh -c, as a child in a session of its own. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ops/ops.h"

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
		env[n] = executor_string(ex, &strs[i].value);
		if (!env[n++])
			return NULL;
	}
	env[n] = NULL;
	return env;
}

/* What the child of vfork does, on its parent's memory; an errno if it comes back. */
static int become_shell(const struct command *c, pid_t parent, char *cmd,
			const char *cwd, char **env)
{
	char *argv[] = { (char *)"sh", (char *)"-c", cmd, NULL };
	sigset_t none;

	/* A parent that is killed does not wait for us; 0: it is in another namespace. */
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
	execve("/bin/sh", argv, env);
	return errno;
}

/* No handler may run in the child: it is on our stack. */
static pid_t spawn(const struct command *c, char *cmd, const char *cwd, char **env,
		   int *error)
{
	volatile int why = 0;
	sigset_t all, before;
	pid_t parent = getpid(), pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (!pid) {
		why = become_shell(c, parent, cmd, cwd, env);
		_exit(127);
	}
	*error = pid < 0 ? errno : why;
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
