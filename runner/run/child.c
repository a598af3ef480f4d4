// SPDX-License-Identifier: GPL-2.0-only
/* One test file, in a process of its own with a Lua state of its own. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
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
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/base/text.h"
#include "runner/bind/state.h"
#include "runner/gate/gate.h"
#include "runner/qemu/forkserver/client.h"
#include "runner/report/record.h"
#include "runner/run/child.h"

#define INTERRUPT_WAIT 5.0		/* seconds for a child to put its VMs away */
#define TICK_MS 1000
#define OUTPUT_LIMIT (64u << 10)	/* the end of what it printed */

/* --- the child --- */

/* tell(text): a line to the parent.  Upvalue: the descriptor. */
static int l_tell(lua_State *L)
{
	int fd = (int)lua_tointeger(L, lua_upvalueindex(1));
	size_t n;
	const char *p = lua_tolstring(L, 1, &n);

	if (files_write_all(fd, p, n))
		_exit(EXIT_BROKEN);	/* the parent has closed its end */
	files_write_all(fd, "\n", 1);
	return 0;
}

static void push_names(lua_State *L, const json_t *names)
{
	json_t *name;
	size_t i;

	lua_newtable(L);
	json_array_foreach(names, i, name) {
		lua_pushstring(L, json_string_value(name));
		lua_pushboolean(L, true);
		lua_rawset(L, -3);
	}
}

/* Protected: require "provium.harness".run(path, {…}). */
static int run_harness(lua_State *L)
{
	const struct child_opts *opts = lua_touserdata(L, 2);

	lua_getglobal(L, "require");
	lua_pushliteral(L, "provium.harness");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "run");
	lua_pushvalue(L, 1);
	lua_newtable(L);
	lua_pushstring(L, opts->filter);
	lua_setfield(L, -2, "filter");
	if (opts->only) {
		push_names(L, opts->only);
		lua_setfield(L, -2, "only");
	}
	lua_pushboolean(L, opts->fail_fast);
	lua_setfield(L, -2, "fail_fast");
	lua_pushvalue(L, 3);
	lua_pushcclosure(L, l_tell, 1);
	lua_setfield(L, -2, "tell");
	lua_call(L, 2, 0);
	return 0;
}

/* Ends the process as the signal would have done. */
static void die_of(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
	_exit(128 + sig);
}

static void child(const char *path, const struct child_opts *opts, int tell_fd)
{
	lua_State *L = bind_state_new();
	int failed;

	if (!L)
		_exit(EXIT_BROKEN);
	setenv("PROVIUM_INSIDE", "1", 1);	/* runner/run/last_failures.h */
	lua_pushcfunction(L, run_harness);
	lua_pushstring(L, path);
	lua_pushlightuserdata(L, (void *)(uintptr_t)opts);
	lua_pushinteger(L, tell_fd);
	failed = lua_pcall(L, 3, 0, 0);
	lua_sethook(L, NULL, 0, 0);	/* an interrupt must not raise here */
	if (failed) {
		int sig = interrupt_pending();

		if (!sig)
			fprintf(stderr, "provium: the harness failed on %s: %s\n",
				path, luaL_tolstring(L, -1, NULL));
		lua_close(L);
		forkserver_stop();
		if (sig)
			die_of(sig);
		fflush(NULL);
		_exit(EXIT_BROKEN);
	}
	lua_close(L);		/* VMs are put away here, if not before */
	forkserver_stop();
	fflush(NULL);
	_exit(0);
}

/* --- its parent --- */

struct run {
	const char *path;
	const struct child_opts *opts;
	int64_t start_ns;
	json_t *record;			/* so far */
	json_t *begun;			/* the test that it is in, or NULL */
	bool ended;
	struct buf line;
	int tell_fd, out_fd;
	pid_t pid;
};

/* A test that ended, as reports want it: a failure can be repeated. */
static void test_ended(struct run *r, json_t *test)
{
	json_array_append(json_object_get(r->record, "tests"), test);
	record_add_repeat(test, r->path);
	if (r->opts->on_test)
		r->opts->on_test(r->record, test, r->opts->arg);
}

static void event(struct run *r, const char *line, size_t n)
{
	json_t *said = json_loadb(line, n, 0, NULL);
	json_t *item = json_object_get(said, "item");
	const char *what = record_text(said, "event");

	if (!strcmp(what, "begin")) {
		json_decref(r->begun);
		r->begun = json_incref(item);
	} else if (!strcmp(what, "test")) {
		json_decref(r->begun);
		r->begun = NULL;
		test_ended(r, item);
	} else if (!strcmp(what, "end")) {
		json_object_update(r->record, item);
		r->ended = true;
	}
	json_decref(said);
}

/* False at the end. */
static bool read_events(struct run *r)
{
	ssize_t n = read(r->tell_fd, buf_room(&r->line, 65536), 65536);
	char *end;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	r->line.len += (size_t)n;
	while ((end = memchr(r->line.p, '\n', r->line.len))) {
		size_t len = (size_t)(end - (char *)r->line.p);

		event(r, (char *)r->line.p, len);
		buf_drop(&r->line, len + 1);
	}
	return true;
}

/*
 * Until the child has ended; a signal gives it a moment, then it is killed.
 * What it left running may hold the line open: the child's end counts.
 */
static int await(struct run *r)
{
	struct pollfd fds[] = {
		{ (int)syscall(SYS_pidfd_open, r->pid, 0), POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
		{ r->tell_fd, POLLIN, 0 },
	};
	int status = 0;

	while (!fds[0].revents && !interrupt_pending()) {
		if (!poll(fds, 3, r->opts->tick ? TICK_MS : -1))
			r->opts->tick();
		if (fds[2].revents && !read_events(r))
			fds[2].fd = -1;
	}
	if (!fds[0].revents) {
		int64_t deadline = deadline_in(INTERRUPT_WAIT);

		kill(r->pid, SIGTERM);
		/* A further signal ends poll(), too. */
		while (poll(fds, 1, deadline_poll_ms(deadline)) < 0)
			;
		if (!fds[0].revents)
			kill(r->pid, SIGKILL);
	}
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(fds[0].fd);
	gate_settle();		/* it may have been killed */
	fcntl(r->tell_fd, F_SETFL, O_NONBLOCK);
	while (read_events(r))
		;
	return status;
}

static int start(struct run *r)
{
	pid_t parent = getpid();
	int line[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line))
		return -errno;
	r->tell_fd = line[0];
	r->out_fd = r->opts->capture ? memfd_create("output", MFD_CLOEXEC) : -1;
	if (r->out_fd >= 0)
		fcntl(r->out_fd, F_SETFL, O_APPEND);
	fflush(NULL);
	gate_name(r->path);
	r->pid = fork();
	if (!r->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_BROKEN);
		if (r->out_fd >= 0) {
			dup2(r->out_fd, STDOUT_FILENO);
			dup2(r->out_fd, STDERR_FILENO);
		}
		close(line[0]);
		child(r->path, r->opts, line[1]);
	}
	close(line[1]);
	return r->pid < 0 ? -errno : 0;
}

/* Why there is no verdict. */
static const char *cause(int status, const char **why)
{
	static char text[256];

	*why = text;
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "the runner's child was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
		return "BROKEN";
	}
	if (WEXITSTATUS(status) == INTERRUPT_STUCK) {
		*why = "the time limit was reached, in a place that cannot be interrupted";
		return "FAIL";
	}
	if (WEXITSTATUS(status) == EXIT_BROKEN) {
		*why = "the harness failed; what it said is among what was printed";
		return "BROKEN";
	}
	snprintf(text, sizeof(text), "the file ended its runner with status %d before there was a verdict (os.exit?)",
		 WEXITSTATUS(status));
	return "FAIL";
}

/* The child is gone without an end: the test it was in has failed, or the file. */
static void record_death(struct run *r, int status)
{
	const char *why, *verdict = cause(status, &why);
	json_t *item = r->begun ? r->begun : json_object();

	json_object_set_new(item, "verdict", json_string(verdict));
	json_object_set_new(item, "message", json_string(why));
	json_object_set_new(r->record, "verdict", json_string(verdict));
	json_object_set_new(r->record, "seconds", json_real(seconds_since(r->start_ns)));
	if (r->begun) {
		json_object_set_new(item, "seconds", json_real(0));
		test_ended(r, item);
		json_decref(item);
		r->begun = NULL;
	} else {
		json_object_set_new(r->record, "error", item);
	}
}

static void add_output(struct run *r)
{
	struct buf raw = { 0 }, clean = { 0 };

	if (r->out_fd < 0)
		return;
	lseek(r->out_fd, 0, SEEK_SET);
	buf_read_fd(&raw, r->out_fd);
	if (raw.len > OUTPUT_LIMIT)
		buf_drop(&raw, raw.len - OUTPUT_LIMIT);
	text_clean(&clean, (char *)raw.p, raw.len);
	if (clean.len)
		json_object_set_new(r->record, "output", json_string(buf_str(&clean)));
	buf_release(&raw);
	buf_release(&clean);
}

static void run_release(struct run *r)
{
	if (r->tell_fd >= 0)
		close(r->tell_fd);
	if (r->out_fd >= 0)
		close(r->out_fd);
	buf_release(&r->line);
	json_decref(r->begun);
	json_decref(r->record);
}

json_t *child_run(const char *path, const struct child_opts *opts)
{
	struct run r = { .path = path, .opts = opts, .start_ns = clock_ns(),
			 .record = record_new(path), .tell_fd = -1, .out_fd = -1 };
	json_t *record = NULL;
	int ret = start(&r), status = ret ? 0 : await(&r);

	if (ret)
		record_set_error(r.record, "BROKEN", strerror(-ret));
	else if (!r.ended || status)
		record_death(&r, status);
	add_output(&r);
	record_add_repeat(json_object_get(r.record, "error"), path);
	if (!interrupt_pending())
		record = json_incref(r.record);
	run_release(&r);
	return record;
}
