// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test files: found, run one after the other, each in a child of its own with
 * a Lua state of its own.  The child leaves its record in a file without a
 * name; a child that leaves none has failed.
 */
#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/bind/bind.h"
#include "runner/gate/gate.h"
#include "runner/lua/embed.h"
#include "runner/report/record.h"
#include "runner/suite.h"

#define INTERRUPT_WAIT_MS 5000		/* for a child to put its VMs away */

/* --- finding files --- */

struct paths {
	char **v;
	size_t n;
};

static void paths_add(struct paths *p, char *path)
{
	p->v = realloc(p->v, (p->n + 1) * sizeof(*p->v));
	if (!p->v)
		abort();
	p->v[p->n++] = path;
}

static void paths_release(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
}

/* Folders that hold no tests: VM fixtures, helpers, and what starts with _ or . */
static bool holds_no_tests(const char *name)
{
	return *name == '.' || *name == '_' || !strcmp(name, "fixtures") ||
	       !strcmp(name, "lib");
}

static void find_below(const char *dir, struct paths *found)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char *path = files_join(dir, name);
		size_t len = strlen(name);
		struct stat st;

		if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
			if (!holds_no_tests(name))
				find_below(path, found);
			free(path);
		} else if (len > 4 && !strcmp(name + len - 4, ".lua") && *name != '.') {
			paths_add(found, path);
		} else {
			free(path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static int find_all(char *const *paths, size_t nr, struct paths *found)
{
	for (size_t i = 0; i < nr; i++) {
		size_t before = found->n;
		struct stat st;

		if (stat(paths[i], &st)) {
			fprintf(stderr, "provium test: %s: %s\n", paths[i],
				strerror(errno));
			return -ENOENT;
		}
		if (!S_ISDIR(st.st_mode)) {
			paths_add(found, xstrdup(paths[i]));
			continue;
		}
		find_below(paths[i], found);
		if (found->n == before) {
			fprintf(stderr, "provium test: %s: no test files (*.lua) there\n",
				paths[i]);
			return -ENOENT;
		}
	}
	return 0;
}

/* --- the child --- */

lua_State *suite_new_state(void)
{
	lua_State *L = luaL_newstate();

	if (!L)
		return NULL;
	luaL_openlibs(L);
	luaL_requiref(L, "provium.core", bind_open, 0);
	lua_pop(L, 1);
	embed_install(L);
	return L;
}

/* Protected: require "provium.harness".run(path, {…}); leaves its text. */
static int run_harness(lua_State *L)
{
	const char *path = lua_tostring(L, 1);
	const struct suite_opts *opts = lua_touserdata(L, 2);

	lua_getglobal(L, "require");
	lua_pushliteral(L, "provium.harness");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "run");
	lua_pushstring(L, path);
	lua_newtable(L);
	lua_pushstring(L, opts->filter);
	lua_setfield(L, -2, "filter");
	lua_pushboolean(L, opts->fail_fast);
	lua_setfield(L, -2, "fail_fast");
	lua_call(L, 2, 1);
	return 1;
}

/* Ends the process as the signal would have done. */
static void die_of(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
	_exit(128 + sig);
}

static void child(const char *path, const struct suite_opts *opts, int record_fd)
{
	lua_State *L = suite_new_state();
	const char *text;
	size_t n;
	int failed;

	if (!L)
		_exit(3);
	lua_pushcfunction(L, run_harness);
	lua_pushstring(L, path);
	lua_pushlightuserdata(L, (void *)(uintptr_t)opts);
	failed = lua_pcall(L, 2, 1, 0);
	lua_sethook(L, NULL, 0, 0);	/* an interrupt must not raise here */
	if (failed) {
		int sig = interrupt_pending();

		if (!sig)
			fprintf(stderr, "provium: the harness failed on %s: %s\n",
				path, luaL_tolstring(L, -1, NULL));
		lua_close(L);
		if (sig)
			die_of(sig);
		_exit(3);
	}
	text = lua_tolstring(L, -1, &n);
	if (write(record_fd, text, n) != (ssize_t)n)
		_exit(3);
	lua_close(L);		/* VMs are put away here, if not before */
	fflush(NULL);
	_exit(0);
}

/* --- its parent --- */

/* Until the child has ended; a signal gives it a moment, then it is killed. */
static int await_child(pid_t pid)
{
	struct pollfd fds[] = {
		{ (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
	};
	int status = 0;

	while (!fds[0].revents && !interrupt_pending())
		poll(fds, 2, -1);
	if (!fds[0].revents) {
		kill(pid, SIGTERM);
		if (poll(fds, 1, INTERRUPT_WAIT_MS) == 0)
			kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(fds[0].fd);
	return status;
}

static json_t *missing_record(const char *path, int status)
{
	char text[256];

	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "the runner's child was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
		return record_broken(path, "BROKEN", text);
	}
	if (WEXITSTATUS(status) == INTERRUPT_STUCK)
		return record_broken(path, "FAIL", "the time limit was reached, in a place that cannot be interrupted");
	if (WEXITSTATUS(status) == 3)
		return record_broken(path, "BROKEN", "the harness failed; what it said is above");
	snprintf(text, sizeof(text), "the file ended its runner with status %d before there was a verdict (os.exit?)",
		 WEXITSTATUS(status));
	return record_broken(path, "FAIL", text);
}

static void set_name(json_t *record, const char *path)
{
	const char *slash = strrchr(path, '/');

	json_object_set_new(record, "name", json_string(slash ? slash + 1 : path));
}

/* The record of one file; NULL when a signal ended it. */
static json_t *run_file(const char *path, const struct suite_opts *opts)
{
	int fd = memfd_create("record", MFD_CLOEXEC), status;
	pid_t parent = getpid(), pid;
	json_t *record = NULL;
	struct buf b = { 0 };

	fflush(NULL);
	gate_name(path);
	pid = fd < 0 ? -1 : fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(3);
		child(path, opts, fd);
	}
	if (pid < 0) {
		if (fd >= 0)
			close(fd);
		return record_broken(path, "BROKEN", strerror(errno));
	}
	status = await_child(pid);
	gate_settle();		/* it may have been killed */
	lseek(fd, 0, SEEK_SET);
	if (!status && !buf_read_fd(&b, fd))
		record = json_loadb((char *)b.p, b.len, 0, NULL);
	buf_release(&b);
	close(fd);
	if (interrupt_pending()) {
		json_decref(record);
		return NULL;
	}
	if (!record)
		record = missing_record(path, status);
	set_name(record, path);
	return record;
}

/* --- a run --- */

static void print(struct buf *b)
{
	fwrite(b->p, 1, b->len, stdout);
	fflush(stdout);
	b->len = 0;
}

/* What it ran on: once, before the first file that booted something. */
static void print_accel(const json_t *record, const struct suite_opts *opts,
			bool *printed)
{
	const char *accel = record_text(record, "accel");

	if (*printed || !*accel || opts->verdict)
		return;
	printf("%s%s\n", opts->tap ? "# " : "", accel);
	*printed = true;
}

/* nr_before: files that were reported in earlier rounds of --repeat. */
static int run_once(const struct paths *files, const struct suite_opts *opts,
		    size_t nr_before, bool *accel_printed, struct counts *total)
{
	struct err err;

	for (size_t i = 0; i < files->n; i++) {
		json_t *record = run_file(files->v[i], opts);
		struct counts c = { 0 };
		struct buf b = { 0 };
		int ret = 0;

		if (!record)
			return -interrupt_pending();
		counts_add(&c, record);
		counts_add(total, record);
		print_accel(record, opts, accel_printed);
		if (opts->tap)
			tap_file(record, nr_before + i + 1, &b);
		else
			human_file(record, &b);
		print(&b);
		buf_release(&b);
		if (opts->verdict)
			ret = result_write(opts->verdict, record, &err);
		json_decref(record);
		if (ret) {
			fprintf(stderr, "provium test: %s\n", err.text);
			return 3;
		}
		if (opts->fail_fast && counts_status(&c))
			break;
	}
	return 0;
}

/* What is borrowed from make while the test runs; see suite_settle(). */
static char *account_of(const char *verdict)
{
	return xasprintf("%s.slots", verdict);
}

static int open_gate(const struct suite_opts *opts)
{
	char *account = opts->verdict ? account_of(opts->verdict) : NULL;
	char *dir = files_dirname(account ? account : ".");
	struct err err;
	int ret;

	files_mkdirs(dir);
	ret = gate_init(account, &err) ? 3 : 0;
	if (ret)
		fprintf(stderr, "provium test: %s\n", err.text);
	free(dir);
	free(account);
	return ret;
}

static void close_gate(const struct suite_opts *opts)
{
	char *account = opts->verdict ? account_of(opts->verdict) : NULL;

	gate_settle();
	if (account)
		unlink(account);
	free(account);
}

int suite_settle(const char *base, const char *path, int status)
{
	char *account = account_of(base), text[128];
	json_t *record;
	struct err err;
	int ret;

	ret = gate_settle_file(account, &err) ? 3 : 0;
	free(account);
	if (ret)
		fprintf(stderr, "provium settle: %s\n", err.text);
	if (status <= 128 || status - 128 == SIGINT || status - 128 == SIGTERM ||
	    status - 128 == SIGHUP)
		return ret ? ret : status;
	snprintf(text, sizeof(text), "the runner was killed by signal %d (%s)",
		 status - 128, strsignal(status - 128));
	record = record_broken(path, "BROKEN", text);
	if (result_write(base, record, &err))
		ret = 3;
	json_decref(record);
	printf("%s ... BROKEN: %s\n", path, text);
	return ret;
}

int suite_run(char *const *paths, size_t nr_paths, const struct suite_opts *opts)
{
	struct paths files = { 0 };
	struct counts total = { 0 };
	struct buf b = { 0 };
	bool accel = false;
	int ret;

	if (opts->verdict && gate_dry_run())
		return 0;
	ret = open_gate(opts);
	if (!ret)
		ret = find_all(paths, nr_paths, &files) ? 2 : 0;

	if (!ret && opts->tap) {
		tap_plan(files.n * opts->repeat, &b);
		print(&b);
	}
	for (unsigned int i = 0; !ret && i < opts->repeat; i++) {
		ret = run_once(&files, opts, i * files.n, &accel, &total);
		if (opts->fail_fast && counts_status(&total))
			break;
	}
	close_gate(opts);
	paths_release(&files);
	if (!ret && opts->filter && !total.passed && !total.failed &&
	    !total.broken && !total.skipped) {
		fprintf(stderr, "provium test: -f %s: no test has such a name\n",
			opts->filter);
		ret = 2;
	}
	if (!ret && !opts->verdict) {
		if (opts->tap)
			buf_addf(&b, "# ");
		counts_line(&total, &b);
		buf_addf(&b, "\n");
		print(&b);
	}
	buf_release(&b);
	/* With --verdict the verdict is the file; the summary has the status. */
	return ret || opts->verdict ? ret : counts_status(&total);
}

/* --- make's last step --- */

static bool is_older(const char *base, const char *since)
{
	char *path = xasprintf("%s.result", base);
	struct stat a, b;
	bool older = !stat(path, &a) && !stat(since, &b) &&
		     (a.st_mtim.tv_sec < b.st_mtim.tv_sec ||
		      (a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
		       a.st_mtim.tv_nsec < b.st_mtim.tv_nsec));

	free(path);
	return older;
}

static void name_failures(const json_t *record, struct buf *to)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		if (!strcmp(record_text(test, "verdict"), "FAIL") ||
		    !strcmp(record_text(test, "verdict"), "BROKEN"))
			buf_addf(to, "%s: %s: %s\n", record_text(test, "verdict"),
				 record_text(record, "file"),
				 record_text(test, "name"));
	if (error)
		buf_addf(to, "%s: %s: (the file)\n", record_text(error, "verdict"),
			 record_text(record, "file"));
}

int suite_summary(char *const *bases, size_t nr_bases, const char *since)
{
	unsigned int reused = 0;
	struct counts total = { 0 };
	struct buf b = { 0 };
	struct err err;

	if (gate_dry_run())
		return 0;
	for (size_t i = 0; i < nr_bases; i++) {
		json_t *record;

		if (result_read(bases[i], &record, &err)) {
			fprintf(stderr, "provium summary: %s (did its test run?)\n",
				err.text);
			total.broken++;
			continue;
		}
		counts_add(&total, record);
		name_failures(record, &b);
		reused += since && is_older(bases[i], since);
		json_decref(record);
	}
	counts_line(&total, &b);
	buf_addf(&b, " (%zu files, %u verdict%s reused)\n", nr_bases, reused,
		 reused == 1 ? "" : "s");
	print(&b);
	buf_release(&b);
	return counts_status(&total);
}
