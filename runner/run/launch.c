// SPDX-License-Identifier: GPL-2.0-only
/* Runs one test file through a launcher; see launch.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/base/text.h"
#include "runner/gate/budget.h"
#include "runner/make/launch_folder.h"
#include "runner/report/record.h"
#include "runner/run/launch.h"

#define MEM "{mem}"
#define DEFAULT_MIB 1408u	/* if that is unknown: four VMs of the default size */
#define STOP_TIMEOUT_S 20.0	/* time for a launcher to end its command */
#define TICK_S 1.0
#define MAX_SAID (16u << 10)	/* bytes at the end of a launcher's output that are kept */
#define MAX_READS 32		/* more than the content of a pipe needs */
#define NR_LINES 6		/* lines of it in a message */

struct launch {
	const char *path, *base;
	const struct child_opts *opts;
	json_int_t memory;		/* MiB that the file will ask for */
	char *launcher;			/* with the memory in place of {mem} */
	char *folder;			/* absolute; it has the files "run" (the
					 * script), "host" (where the runner has
					 * started), "output" and test.result */
	int64_t start_ns;
	pid_t pid;
	int pidfd, out_fd;
	struct buf said;		/* what the launcher has printed */
	int status;			/* of waitpid() */
};

/* --- what is launched --- */

/* Returns the MiB that the file asked for in its last run. */
static json_int_t last_memory(const char *base)
{
	json_t *last = NULL;
	struct err unread;
	json_int_t mib = 0;

	if (!result_read(base, &last, &unread))
		mib = json_integer_value(json_object_get(last, "memory"));
	json_decref(last);
	return mib ? mib : DEFAULT_MIB;
}

/* Returns the launcher with what the host needs in place of each {mem}. */
static char *fill_in(const char *launcher, json_int_t mib)
{
	uint64_t bytes = budget_machine_for((uint64_t)mib << 20);
	struct buf b = { 0 };
	const char *at;

	for (; (at = strstr(launcher, MEM)); launcher = at + strlen(MEM))
		buf_addf(&b, "%.*s%lluM", (int)(at - launcher), launcher,
			 (unsigned long long)bytes >> 20);
	buf_addf(&b, "%s", launcher);
	return buf_str(&b);
}

/* Does the runner on the other host need this variable, "NAME=VALUE"? */
static bool is_needed(const char *variable)
{
	size_t n = strcspn(variable, "=");

	if (!strncmp(variable, "PROVIUM_", strlen("PROVIUM_")))
		return true;
	for (const char *const *name = record_environment; *name; name++)
		if (strlen(*name) == n && !strncmp(variable, *name, n))
			return true;
	return false;
}

/* Sets the variables in the script: not every launcher passes them on. */
static void add_environment(struct buf *to)
{
	for (char **at = environ; *at; at++) {
		size_t n = strcspn(*at, "=");

		if (!is_needed(*at))
			continue;
		buf_addf(to, "export %.*s=", (int)n, *at);
		text_quote(to, *at + n + 1);
		buf_addf(to, "\n");
	}
}

/* Adds a word, quoted for a shell, between two texts. */
static void add_word(struct buf *to, const char *before, const char *word, const char *after)
{
	buf_addf(to, "%s", before);
	text_quote(to, word);
	buf_addf(to, "%s", after);
}

/*
 * Writes the script.  The runner has no part in this make's job tokens, and
 * needs none of the descriptors that the launcher gives it.  The accelerator is
 * probed before the test, so that the test's time limit is not for the probe.
 */
static int write_script(const struct launch *l, struct err *err)
{
	char *here = realpath(".", NULL), *runner = realpath("/proc/self/exe", NULL);
	char *path = files_join(l->folder, "run");
	struct buf b = { 0 };
	int ret;

	buf_addf(&b, "#!/bin/sh\n");
	add_word(&b, "cd ", here ? here : ".", " &&\n");
	add_word(&b, "uname -n >", l->folder, "/host &&\n");
	add_word(&b, "exec </dev/null >", l->folder, "/output 2>&1 || exit\n");
	add_environment(&b);
	buf_addf(&b, "unset MAKEFLAGS MFLAGS MAKELEVEL\n");
	if (getenv("PROFILE"))
		add_word(&b, "", runner ? runner : "provium", " accel \"$PROFILE\" >/dev/null 2>&1\n");
	add_word(&b, "exec ", runner ? runner : "provium", " test --verdict ");
	add_word(&b, "", l->folder, l->opts->file.fail_fast ? "/test --fail-fast " : "/test ");
	add_word(&b, "", l->path, "\n");
	ret = files_write(path, b.p, b.len, err);
	if (!ret && chmod(path, 0755))
		ret = err_set(err, ERR_BROKEN, -errno, "chmod %s: %s", path, strerror(errno));
	buf_release(&b);
	free(path);
	free(runner);
	free(here);
	return ret;
}

/* --- the launcher's process --- */

/*
 * The shell stays until the launcher has ended, and passes SIGTERM on to its
 * group.  The signal comes from stop(), or from the kernel if the runner was
 * killed; the kernel sends it to the shell only.
 */
#define SHELL_START "trap 'trap : TERM; kill 0; wait' TERM; {\n"
#define SHELL_END "\n} & wait $!"

/* Becomes the shell that runs the launcher. */
static void exec_launcher(const char *command, int out_fd, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	/*
	 * A group of its own: Ctrl-C is for the runner, which sends SIGTERM.
	 * srun does not end at the first SIGINT.
	 */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	unsetenv("MAKEFLAGS");
	unsetenv("MFLAGS");
	unsetenv("MAKELEVEL");
	dup2(null, STDIN_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int start(struct launch *l, struct err *err)
{
	struct buf command = { 0 };
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return err_set(err, ERR_BROKEN, -errno, "pipe: %s", strerror(errno));
	buf_addf(&command, SHELL_START "%s", l->launcher);
	add_word(&command, " ", l->folder, "/run" SHELL_END);
	fflush(NULL);
	l->pid = fork();
	if (!l->pid)
		exec_launcher(buf_str(&command), ends[1], parent);
	close(ends[1]);
	buf_release(&command);
	l->out_fd = ends[0];
	if (l->pid < 0)
		return err_set(err, ERR_BROKEN, -errno, "fork: %s%s", strerror(errno),
			       err_limit_advice(errno));
	setpgid(l->pid, l->pid);
	fcntl(l->out_fd, F_SETFL, O_NONBLOCK);
	l->pidfd = (int)syscall(SYS_pidfd_open, l->pid, 0);
	if (l->pidfd >= 0)
		return 0;
	err_set(err, ERR_BROKEN, -errno, "pidfd_open: %s%s", strerror(errno),
		err_limit_advice(errno));
	kill(-l->pid, SIGKILL);
	waitpid(l->pid, NULL, 0);
	return -EIO;
}

/*
 * Reads what has arrived.  Returns false at the end of the stream: all
 * processes of the launcher have ended.
 */
static bool read_output(struct launch *l)
{
	ssize_t n = read(l->out_fd, buf_room(&l->said, 4096), 4096);

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	l->said.len += (size_t)n;
	if (l->said.len > 2 * MAX_SAID)
		buf_drop(&l->said, l->said.len - MAX_SAID);
	return true;
}

static void tick(const struct launch *l, const json_t *record)
{
	struct child_progress progress = {
		.record = record, .seconds = seconds_since(l->start_ns), .state = "launched",
	};

	l->opts->tick(&progress, l->opts->arg);
}

/* Waits until the launcher has ended or a signal has arrived. */
static void await(struct launch *l, const json_t *record)
{
	int64_t tick_ns = l->opts->tick ? deadline_in(TICK_S) : DEADLINE_NEVER;
	struct pollfd fds[] = {
		{ l->pidfd, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 },
		{ l->out_fd, POLLIN, 0 },
	};

	while (!fds[0].revents && !interrupt_pending()) {
		poll(fds, 3, deadline_poll_ms(tick_ns));
		if (fds[2].revents && !read_output(l))
			fds[2].fd = -1;
		if (clock_ns() < tick_ns)
			continue;
		tick(l, record);
		tick_ns = deadline_in(TICK_S);
	}
}

/*
 * After a signal: asks the launcher to end its command, and waits for all
 * processes of the launcher, not only for a shell that has started it.
 */
static void stop(struct launch *l)
{
	int64_t deadline = deadline_in(STOP_TIMEOUT_S);
	struct pollfd out = { l->out_fd, POLLIN, 0 };

	kill(l->pid, SIGTERM);
	while (clock_ns() < deadline && read_output(l))
		poll(&out, 1, deadline_poll_ms(deadline));
}

static void end(struct launch *l)
{
	if (interrupt_pending())
		stop(l);
	kill(-l->pid, SIGKILL);
	while (waitpid(l->pid, &l->status, 0) < 0 && errno == EINTR)
		;
	/* Reads what is in the pipe, which another process may still fill. */
	for (int i = 0; i < MAX_READS && read_output(l); i++)
		;
}

/* --- what has become of it --- */

/* Returns the name of the host on which the runner has started; "": none. */
static char *host_of(const struct launch *l)
{
	char *path = files_join(l->folder, "host");
	struct buf raw = { 0 }, clean = { 0 };

	buf_read_file(&raw, path);
	text_clean(&clean, (char *)raw.p, strcspn(buf_str(&raw), "\n"));
	buf_release(&raw);
	free(path);
	return buf_str(&clean);
}

/* Adds the last lines of what was printed, each on a line of its own. */
static void add_lines(struct buf *to, const struct buf *said)
{
	struct buf clean = { 0 };
	char *text, *at;
	unsigned int lines = 0;

	text_clean(&clean, (const char *)said->p, said->len);
	while (clean.len && clean.p[clean.len - 1] == '\n')
		clean.len--;
	text = buf_str(&clean);
	for (at = text + clean.len; at > text && lines < NR_LINES; at--)
		lines += at[-1] == '\n';
	if (lines == NR_LINES)
		at++;
	if (*text)
		buf_addf(to, "\n%s", at);
	buf_release(&clean);
}

static void add_ending(struct buf *to, int status)
{
	if (WIFSIGNALED(status))
		buf_addf(to, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		buf_addf(to, "ended with status %d", WEXITSTATUS(status));
}

/* Sets the record's error: there is no result. */
static void set_lost(struct launch *l, json_t *record, const char *host)
{
	char *path = files_join(l->folder, "output");
	struct buf text = { 0 };

	add_word(&text, "LAUNCH=", l->launcher, ": the launcher ");
	add_ending(&text, l->status);
	if (*host) {
		buf_addf(&text, " after %.0f s, and the runner on host %s wrote no result: "
			 "the host failed, or the job was ended there; run make again, "
			 "which repeats only what has not passed",
			 seconds_since(l->start_ns), host);
		buf_read_file(&l->said, path);
	} else {
		buf_addf(&text, " and has not started the runner. Expected a command that "
			 "runs its argument on a host that has this folder, and waits for "
			 "its end; try it with \"hostname\" as its argument");
	}
	add_lines(&text, &l->said);
	record_set_error(record, "BROKEN", buf_str(&text));
	json_object_set_new(record, "memory", json_integer(l->memory));
	record_add_repeat(json_object_get(record, "error"), l->path);
	buf_release(&text);
	free(path);
}

/* Returns the runner's record, or one with an error. */
static json_t *collect(struct launch *l)
{
	char *base = files_join(l->folder, "test"), *host = host_of(l), *note;
	json_t *record = NULL;
	struct err err;

	if (!result_read(base, &record, &err) && strcmp(record_text(record, "verdict"), "ok")) {
		if (!json_object_get(record, "notes"))
			json_object_set_new(record, "notes", json_array());
		note = xasprintf("ran on host %s", host);
		json_array_append_new(json_object_get(record, "notes"), json_string(note));
		free(note);
	}
	if (!record) {
		record = record_new(l->path);
		set_lost(l, record, host);
	}
	free(base);
	free(host);
	return record;
}

/* Tells that a signal has interrupted the file. */
static void tell_interrupted(struct launch *l, json_t *record)
{
	char *host = host_of(l);
	json_t *item = json_pack("{s:s, s:s+, s:f}", "name", "(the launched runner)", "where",
				 *host ? "host " : "no host yet", host,
				 "seconds", seconds_since(l->start_ns));

	json_object_set_new(record, "verdict", json_string("interrupted"));
	json_object_set_new(record, "seconds", json_real(seconds_since(l->start_ns)));
	l->opts->on_interrupt(record, item, l->opts->arg);
	json_decref(item);
	free(host);
}

static int launch(struct launch *l, const json_t *record, struct err *err)
{
	int ret;

	l->folder = launch_folder_new(l->base, err);
	if (!l->folder)
		return -EIO;
	ret = write_script(l, err);
	if (!ret)
		ret = start(l, err);
	if (ret)
		return ret;
	await(l, record);
	end(l);
	return 0;
}

json_t *launch_run(const char *path, const char *launcher, const char *base,
		   const struct child_opts *opts)
{
	struct launch l = {
		.path = path, .base = base, .opts = opts, .memory = last_memory(base),
		.start_ns = clock_ns(), .pidfd = -1, .out_fd = -1,
	};
	json_t *record = record_new(path), *result = NULL;
	struct err err;

	l.launcher = fill_in(launcher, l.memory);
	if (launch(&l, record, &err)) {
		record_set_error(record, "BROKEN", err.text);
		result = json_incref(record);
	} else if (interrupt_pending()) {
		tell_interrupted(&l, record);
	} else {
		result = collect(&l);
	}
	launch_folder_remove(base);
	if (l.pidfd >= 0)
		close(l.pidfd);
	if (l.out_fd >= 0)
		close(l.out_fd);
	buf_release(&l.said);
	json_decref(record);
	free(l.folder);
	free(l.launcher);
	return result;
}
