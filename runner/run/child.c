// SPDX-License-Identifier: GPL-2.0-only
/* Runs one test file in a child process that has its own Lua state. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/err.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/base/text.h"
#include "runner/gate/gate.h"
#include "runner/gate/timeline.h"
#include "runner/report/record.h"
#include "runner/run/child.h"
#include "runner/run/leftovers.h"

#define INTERRUPT_TIMEOUT_S 5.0		/* time for a child to shut down its VMs */
#define TICK_S 1.0
#define MAX_OUTPUT_BYTES (64u << 10)	/* bytes at the end of a file's output
					 * that a report keeps */

struct run {
	const char *path;
	const struct child_opts *opts;
	int64_t start_ns;
	json_t *record;			/* the record so far */
	json_t *running;		/* the item of the running test, or NULL */
	int64_t running_ns;		/* when it began */
	json_t *interrupted;		/* the item of the event, or NULL */
	char state[192];		/* what a call does that takes long, or "" */
	bool ended;			/* the event "end" has arrived */
	bool goes_on;			/* after "end", the child goes on as the keeper of a VM */
	struct buf events;		/* events that were received and not
					 * handled yet */
	int event_fd, output_fd;	/* -1: none */
	int print_fd;			/* the file's output for opts->print; -1: none */
	pid_t pid;
};

static void add_test(struct run *r, json_t *test)
{
	json_array_append(json_object_get(r->record, "tests"), test);
	record_add_repeat(test, r->path);
	if (r->opts->on_test)
		r->opts->on_test(r->record, test, r->opts->arg);
}

/*
 * Adds a result that a program has printed to the running test.  When the test
 * ends, its item has all results.
 */
static void add_result(struct run *r, json_t *result)
{
	if (!r->running || !result)
		return;
	if (!json_object_get(r->running, "results"))
		json_object_set_new(r->running, "results", json_array());
	json_array_append(json_object_get(r->running, "results"), result);
	if (r->opts->on_result)
		r->opts->on_result(r->record, r->running, result, r->opts->arg);
}

static void handle_event(struct run *r, const char *line, size_t n)
{
	json_t *event = json_loadb(line, n, 0, NULL);
	json_t *item = json_object_get(event, "item");
	const char *kind = record_text(event, "event");

	if (!strcmp(kind, "begin")) {
		json_decref(r->running);
		r->running = json_incref(item);
		r->running_ns = clock_ns();
	} else if (!strcmp(kind, "result")) {
		add_result(r, item);
	} else if (!strcmp(kind, "state")) {
		snprintf(r->state, sizeof(r->state), "%s", record_text(item, "text"));
	} else if (!strcmp(kind, "interrupted")) {
		json_decref(r->interrupted);
		r->interrupted = json_incref(item);
	} else if (!strcmp(kind, "test")) {
		json_decref(r->running);
		r->running = NULL;
		add_test(r, item);
	} else if (!strcmp(kind, "end")) {
		r->goes_on = json_object_get(item, "goes_on");
		json_object_del(item, "goes_on");
		json_object_update(r->record, item);
		r->ended = true;
	}
	json_decref(event);
}

/*
 * Reads once from the child and handles the complete events.  Returns false at
 * the end of the stream.
 */
static bool read_events(struct run *r)
{
	ssize_t n = read(r->event_fd, buf_room(&r->events, 65536), 65536);
	char *end;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	r->events.len += (size_t)n;
	while ((end = memchr(r->events.p, '\n', r->events.len))) {
		size_t len = (size_t)(end - (char *)r->events.p);

		handle_event(r, (char *)r->events.p, len);
		buf_drop(&r->events, len + 1);
	}
	return true;
}

/*
 * Prints what has arrived of the file's output.  Returns 0 at its end, a
 * negative number if nothing has arrived.
 */
static ssize_t print_output(struct run *r)
{
	char piece[65536];
	ssize_t n = read(r->print_fd, piece, sizeof(piece));

	if (n > 0)
		r->opts->print(piece, (size_t)n);
	return n;
}

static void tick(const struct run *r)
{
	struct child_progress progress = {
		.record = r->record, .test = r->running, .state = r->state,
		.nr_ended = json_array_size(json_object_get(r->record, "tests")),
		.seconds = seconds_since(r->running ? r->running_ns : r->start_ns),
	};

	r->opts->tick(&progress, r->opts->arg);
}

/* Tells what a signal has interrupted, as far as it is known. */
static void tell_interrupted(const struct run *r)
{
	json_object_set_new(r->record, "verdict", json_string("interrupted"));
	json_object_set_new(r->record, "seconds", json_real(seconds_since(r->start_ns)));
	if (!r->interrupted && r->running)
		json_object_set_new(r->running, "seconds",
				    json_real(seconds_since(r->running_ns)));
	r->opts->on_interrupt(r->record, r->interrupted ? r->interrupted : r->running,
			      r->opts->arg);
}

/* Asks the child to end, and kills it if it does not end. */
static void stop_child(struct run *r, struct pollfd *pidfd)
{
	int64_t deadline = deadline_in(INTERRUPT_TIMEOUT_S);

	kill(r->pid, SIGTERM);
	while (poll(pidfd, 1, deadline_poll_ms(deadline)) < 0)
		;		/* another signal to this process has interrupted poll() */
	if (!pidfd->revents)
		kill(r->pid, SIGKILL);
}

/*
 * Returns how many bytes at the start of the file's output no report will show:
 * a report keeps the last MAX_OUTPUT_BYTES.
 */
static off_t nr_output_bytes_cut(const struct run *r)
{
	off_t size = lseek(r->output_fd, 0, SEEK_END);

	return size > MAX_OUTPUT_BYTES ? size - MAX_OUTPUT_BYTES : 0;
}

/* Frees the memory of those bytes of the output that no report will show. */
static void drop_old_output(const struct run *r)
{
	off_t cut = r->output_fd < 0 ? 0 : nr_output_bytes_cut(r);

	if (cut)
		fallocate(r->output_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, cut);
}

/*
 * Handles events until the child has ended or a signal has arrived.  Returns
 * the child's wait status; 0 for a child that goes on as a keeper.  The end of
 * the events is no sign that the child has ended: processes that the test left
 * running may hold that descriptor open.
 */
static int await(struct run *r)
{
	bool ticks = r->opts->tick || r->opts->capture;
	int64_t tick_ns = ticks ? deadline_in(TICK_S) : DEADLINE_NEVER;
	struct pollfd fds[] = {
		{ (int)syscall(SYS_pidfd_open, r->pid, 0), POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
		{ r->event_fd, POLLIN, 0 },
		{ r->print_fd, POLLIN, 0 },
	};
	int status = 0;

	while (!fds[0].revents && !interrupt_pending() && !r->goes_on) {
		poll(fds, 4, deadline_poll_ms(tick_ns));
		if (fds[2].revents && !read_events(r))
			fds[2].fd = -1;
		if (fds[3].revents && !print_output(r))
			fds[3].fd = -1;
		if (clock_ns() < tick_ns)
			continue;
		drop_old_output(r);
		if (r->opts->tick)
			tick(r);
		tick_ns = deadline_in(TICK_S);
	}
	if (r->goes_on) {
		leftovers_spare(r->pid);
	} else {
		if (!fds[0].revents)
			stop_child(r, &fds[0]);
		while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(fds[0].fd);
	gate_return_tokens();		/* a killed child has not returned its job tokens */
	fcntl(r->event_fd, F_SETFL, O_NONBLOCK);
	while (read_events(r))
		;
	while (r->print_fd >= 0 && print_output(r) > 0)
		;
	if (!r->ended || status || interrupt_pending())
		leftovers_end();
	return status;
}

/* Redirects stdout to fd, and stderr if `all` or if it is a terminal. */
static void redirect(int fd, bool all)
{
	if (all || isatty(STDERR_FILENO))
		dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	/* As on a terminal: a line is shown when it has ended. */
	if (!all)
		setvbuf(stdout, NULL, _IOLBF, 0);
}

static int start(struct run *r)
{
	pid_t parent = getpid();
	int sockets[2], pipes[2] = { -1, -1 };

	if (r->opts->print && pipe2(pipes, O_CLOEXEC))
		return -errno;
	r->print_fd = pipes[0];
	if (r->print_fd >= 0)
		fcntl(r->print_fd, F_SETFL, O_NONBLOCK);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	r->event_fd = sockets[0];
	r->output_fd = r->opts->capture ? memfd_create("output", MFD_CLOEXEC) : -1;
	if (r->output_fd >= 0)
		fcntl(r->output_fd, F_SETFL, O_APPEND);
	fflush(NULL);
	gate_set_label(r->path);
	timeline_begin();
	leftovers_adopt();
	r->pid = fork();
	if (!r->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_BROKEN);
		if (r->output_fd >= 0)
			redirect(r->output_fd, true);
		else if (r->print_fd >= 0)
			redirect(pipes[1], false);
		close(sockets[0]);
		run_file(r->path, &r->opts->file, sockets[1]);
	}
	close(sockets[1]);
	if (pipes[1] >= 0)
		close(pipes[1]);
	return r->pid < 0 ? -errno : 0;
}

/*
 * Returns the verdict for a child that failed, and its message (static).
 * ended: the child had already reported the end of its test file.
 */
static const char *verdict_of_status(int status, bool ended, const char **message)
{
	static char text[256];

	*message = text;
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "the file's process was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
		return "BROKEN";
	}
	if (WEXITSTATUS(status) == INTERRUPT_STUCK && ended) {
		snprintf(text, sizeof(text), "the file's cleanup did not end within %d s "
			 "(a __gc or __close metamethod, or io.popen() of a program that still runs)",
			 RUN_FILE_CLEANUP_S);
		return "FAIL";
	}
	if (WEXITSTATUS(status) == INTERRUPT_STUCK) {
		*message = "timed out inside a C call that could not be interrupted";
		return "FAIL";
	}
	if (WEXITSTATUS(status) == EXIT_BROKEN) {
		*message = "the harness failed; its error message is in the file's output";
		return "BROKEN";
	}
	snprintf(text, sizeof(text),
		 "the file's process ended with status %d before it had a verdict (os.exit?)",
		 WEXITSTATUS(status));
	return "FAIL";
}

/*
 * Attributes the child's death to the test that was running, or else to the
 * file.
 */
static void record_death(struct run *r, int status)
{
	const char *message, *verdict = verdict_of_status(status, r->ended, &message);
	json_t *item = r->running ? r->running : json_object();

	json_object_set_new(item, "verdict", json_string(verdict));
	json_object_set_new(item, "message", json_string(message));
	json_object_set_new(r->record, "verdict", json_string(verdict));
	json_object_set_new(r->record, "seconds", json_real(seconds_since(r->start_ns)));
	if (r->running) {
		json_object_set_new(item, "seconds", json_real(0));
		add_test(r, item);
		json_decref(item);
		r->running = NULL;
	} else {
		json_object_set_new(r->record, "error", item);
	}
}

static void record_no_start(struct run *r, int number)
{
	char *text = xasprintf("cannot start the file's process: %s%s",
			       strerror(number), err_limit_advice(number));

	record_set_error(r->record, "BROKEN", text);
	free(text);
}

static void add_output(struct run *r)
{
	struct buf raw = { 0 }, clean = { 0 };
	off_t cut;

	if (r->output_fd < 0)
		return;
	cut = nr_output_bytes_cut(r);
	if (cut)
		buf_addf(&clean, "… (%lld bytes before these are left out)\n", (long long)cut);
	lseek(r->output_fd, cut, SEEK_SET);
	buf_read_fd(&raw, r->output_fd);
	text_clean(&clean, (char *)raw.p, raw.len);
	if (clean.len)
		json_object_set_new(r->record, "output", json_string(buf_str(&clean)));
	buf_release(&raw);
	buf_release(&clean);
}

/* Sets the file's beginning and end, which are known even if the child died. */
static void add_timeline(struct run *r)
{
	json_t *own = timeline_json(), *timeline = json_object_get(r->record, "timeline");

	if (json_is_object(timeline)) {
		json_object_update(timeline, own);
		json_decref(own);
	} else {
		json_object_set_new(r->record, "timeline", own);
	}
}

static void run_release(struct run *r)
{
	if (r->event_fd >= 0)
		close(r->event_fd);
	if (r->output_fd >= 0)
		close(r->output_fd);
	if (r->print_fd >= 0)
		close(r->print_fd);
	buf_release(&r->events);
	json_decref(r->interrupted);
	json_decref(r->running);
	json_decref(r->record);
}

json_t *child_run(const char *path, const struct child_opts *opts)
{
	struct run r = { .path = path, .opts = opts, .start_ns = clock_ns(),
			 .record = record_new(path), .event_fd = -1, .output_fd = -1,
			 .print_fd = -1 };
	json_t *record = NULL;
	int ret = start(&r), status = ret ? 0 : await(&r);

	if (ret)
		record_no_start(&r, -ret);
	else if ((!r.ended || status) && !interrupt_pending())
		record_death(&r, status);
	add_output(&r);
	if (!ret)
		add_timeline(&r);
	record_add_repeat(json_object_get(r.record, "error"), path);
	if (!interrupt_pending())
		record = json_incref(r.record);
	else if (opts->on_interrupt)
		tell_interrupted(&r);
	run_release(&r);
	return record;
}
