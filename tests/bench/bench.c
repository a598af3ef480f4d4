// SPDX-License-Identifier: GPL-2.0-only
/*
 * make bench: the toolkit's times as ratios to those of a bare QEMU with the
 * same kernel, measured alternately in one run; medians.  Usage: bench PROFILE
 * BARE_CPIO RUNNER MAKE
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/gate/gate.h"
#include "runner/machine/argv.h"
#include "runner/qemu/console.h"
#include "runner/qemu/proc.h"
#include "runner/bind/state.h"
#include "runner/probe/choice.h"
#include "runner/vm/vm.h"

#define ROUNDS 11
#define TRIPS 250			/* many short rounds: the host's speed varies */
#define TRIP_ROUNDS 41
#define REQUEST_BYTES 76		/* header and payload of syscall("getpid") */
#define LIMIT_S 120.0			/* time limit of a boot or an answer, in seconds */

static const char *profile, *bare_cpio, *runner, *make;
static struct accel accel;

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(3);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void row(const char *name, double ours, double base, double limit)
{
	if (base > 0)
		printf("%-44s %9.3f ms / %9.3f ms = %5.2f  (at most %.2f)%s\n",
		       name, ours * 1e3, base * 1e3, ours / base, limit,
		       ours / base > limit ? "  OVER" : "");
	else
		printf("%-44s %9.3f ms %27s (at most %.0f ms)%s\n", name,
		       ours * 1e3, "", limit * 1e3, ours > limit ? "  OVER" : "");
	fflush(stdout);
}

/* --- bare VMs: the same QEMU, kernel and arguments, another init --- */

struct bare {
	struct proc qemu;
	int link;
	int console;
	int64_t start_ns;
};

static void bare_start(struct bare *b, const char *word)
{
	int qmp[2], link[2];
	struct profile p;
	struct argv argv;
	struct err err;
	char append[512];

	if (profile_load(&p, profile, &err))
		die(profile, err.text);
	snprintf(append, sizeof(append),
		 "console=ttyS0 panic=-1 reboot=t rdinit=/bare tsc_early_khz=%u tsc=reliable nolapic_timer %s %s",
		 accel.tsc_khz, p.append, word);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link))
		die("socketpair", strerror(errno));
	b->console = console_open("console");
	struct qemu_config config = {
		.binary = "qemu-system-x86_64", .accel = accel.kind,
		.machine = p.machine, .kernel = p.kernel, .initrd = bare_cpio,
		.append = append, .memory = 512u << 20, .cpus = 1, .gdb_fd = -1,
	};
	struct qemu_fds fds = { qmp[1], link[1], b->console };
	int pass[] = { qmp[1], link[1], b->console };

	if (argv_build(&argv, &config, &fds, &err))
		die("argv", err.text);
	b->start_ns = clock_ns();
	if (proc_start(&b->qemu, argv.v, pass, 3, b->console, &err))
		die("QEMU", err.text);
	argv_release(&argv);
	profile_release(&p);
	close(qmp[0]);
	close(qmp[1]);
	close(link[1]);
	b->link = link[0];
}

static void bare_stop(struct bare *b)
{
	proc_release(&b->qemu);
	close(b->link);
	close(b->console);
}

static double bare_boot(void)
{
	struct bare b;
	struct pollfd end;
	double seconds;

	bare_start(&b, "poweroff");
	end = (struct pollfd){ b.qemu.pidfd, POLLIN, 0 };
	if (poll(&end, 1, (int)(LIMIT_S * 1000)) != 1)
		die("bare boot", "timed out before QEMU ended");
	seconds = seconds_since(b.start_ns);
	bare_stop(&b);
	return seconds;
}

static double bare_trips(struct bare *b, size_t n)
{
	char buf[REQUEST_BYTES] = { 0 };
	int64_t start = clock_ns();

	for (size_t i = 0; i < n; i++) {
		size_t got = 0;

		if (send(b->link, buf, sizeof(buf), 0) != sizeof(buf))
			die("bare echo", strerror(errno));
		while (got < sizeof(buf)) {
			struct pollfd in = { b->link, POLLIN, 0 };
			ssize_t k;

			if (poll(&in, 1, (int)(LIMIT_S * 1000)) != 1)
				die("bare echo", "no answer");
			k = recv(b->link, buf + got, sizeof(buf) - got, 0);
			if (k <= 0)
				die("bare echo", "QEMU has closed the link");
			got += (size_t)k;
		}
	}
	return seconds_since(start) / (double)n;
}

/* --- the toolkit's VMs --- */

static double our_boot(void)
{
	struct vm_opts opts = { .memory = 512u << 20, .cpus = 1, .timeout = LIMIT_S };
	struct err err;
	struct vm *vm = vm_new(profile, &err);
	struct vm_info info;

	if (!vm || vm_boot(vm, &opts, &accel, &err))
		die("boot", err.text);
	vm_info(vm, &info);
	vm_free(vm);
	return info.boot_s;
}

static const char setup[] =
	"local core, VM = require 'provium.core', require 'provium.vm'\n"
	"require 'provium.session'.begin('.', { limit = math.huge })\n"
	"vm = VM.create(...):boot()\n"
	"function trips(n)\n"
	"	local start = core.now()\n"
	"	for _ = 1, n do vm:syscall('getpid') end\n"
	"	return (core.now() - start) / n\n"
	"end\n"
	"function spawns(n)\n"
	"	local start, list = core.now(), {}\n"
	"	for i = 1, n do list[i] = vm:spawn() end\n"
	"	local took = (core.now() - start) / n\n"
	"	for _, w in ipairs(list) do w:kill() end\n"
	"	return took\n"
	"end\n"
	"function batches(n)\n"
	"	local start = core.now()\n"
	"	for _ = 1, n do vm:batch(function(b) for _ = 1, 100 do b:syscall('getpid') end end) end\n"
	"	return (core.now() - start) / n / 100\n"
	"end\n"
	"function overlap()\n"
	"	local a, b, ts = vm:spawn(), vm:spawn(), ('I8I8'):pack(0, 200000000)\n"
	"	local start = core.now()\n"
	"	local one, two = a:async('syscall_buf', 'nanosleep', 0, ts, 0, 0), b:async('syscall_buf', 'nanosleep', 0, ts, 0, 0)\n"
	"	one:wait() two:wait()\n"
	"	local took = core.now() - start\n"
	"	a:kill() b:kill()\n"
	"	return took\n"
	"end\n";

static lua_State *our_vm(void)
{
	lua_State *L = bind_state_new();

	if (!L || luaL_loadstring(L, setup))
		die("lua", L ? lua_tostring(L, -1) : "no memory");
	lua_pushstring(L, profile);
	if (lua_pcall(L, 1, 0, 0))
		die("boot", luaL_tolstring(L, -1, NULL));
	return L;
}

/* Calls the Lua function of that name in `setup` with n. */
static double ask(lua_State *L, const char *function, size_t n)
{
	double seconds;

	lua_getglobal(L, function);
	lua_pushinteger(L, (lua_Integer)n);
	if (lua_pcall(L, 1, 1, 0))
		die(function, luaL_tolstring(L, -1, NULL));
	seconds = lua_tonumber(L, -1);
	lua_pop(L, 1);
	return seconds;
}

/* Seconds until the command's first byte on stdout (or its end). */
static double first_byte(char *const argv[])
{
	int64_t start = clock_ns();
	double seconds;
	int out[2];
	char c;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		die("pipe", strerror(errno));
	pid = fork();
	if (!pid) {
		unsetenv("MAKEFLAGS");
		unsetenv("MAKELEVEL");
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(out[1]);
	if (read(out[0], &c, 1) < 0)
		die(argv[0], strerror(errno));
	seconds = seconds_since(start);
	while (read(out[0], &c, 1) > 0)
		;
	waitpid(pid, NULL, 0);
	close(out[0]);
	return seconds;
}

/* --- the table of ratios --- */

static void bench_boot(void)
{
	double ours[ROUNDS], bare[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		bare[i] = bare_boot();
		ours[i] = our_boot();
	}
	row("boot to the agent's hello / bare boot", median(ours, ROUNDS),
	    median(bare, ROUNDS), 1.25);
}

static void bench_trips(void)
{
	double ours[TRIP_ROUNDS], bare[TRIP_ROUNDS];
	lua_State *L = our_vm();
	struct bare b;

	bare_start(&b, "echo");
	bare_trips(&b, TRIPS);
	ask(L, "trips", TRIPS);
	for (int i = 0; i < TRIP_ROUNDS; i++) {
		bare[i] = bare_trips(&b, TRIPS);
		ours[i] = ask(L, "trips", TRIPS);
	}
	row("vm:syscall(\"getpid\") / bare echo", median(ours, TRIP_ROUNDS),
	    median(bare, TRIP_ROUNDS), 1.6);
	bare_stop(&b);
	lua_close(L);
}

static void bench_workers(void)
{
	double spawn[ROUNDS], batch[ROUNDS], trip[ROUNDS], overlap[ROUNDS];
	lua_State *L = our_vm();

	ask(L, "trips", TRIPS);
	for (int i = 0; i < ROUNDS; i++) {
		trip[i] = ask(L, "trips", TRIPS);
		spawn[i] = ask(L, "spawns", 20);
		batch[i] = ask(L, "batches", 10);
		overlap[i] = ask(L, "overlap", 1);
	}
	row("vm:spawn() / round trip", median(spawn, ROUNDS), median(trip, ROUNDS), 10);
	row("a call in a batch of 100 / round trip", median(batch, ROUNDS),
	    median(trip, ROUNDS), 0.1);
	row("two calls of 200 ms on two workers", median(overlap, ROUNDS), 0, 0.3);
	lua_close(L);
}

static void bench_runner(void)
{
	char file[] = "/tmp/provium-bench-XXXXXX";
	char *argv[] = { (char *)runner, (char *)"test", file, NULL };
	static const char line[] = "io.stdout:write('x') io.stdout:flush() assert(true)\n";
	double ours[ROUNDS];
	int fd = mkstemp(file);

	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		die(file, strerror(errno));
	close(fd);
	for (int i = 0; i < ROUNDS; i++)
		ours[i] = first_byte(argv);
	unlink(file);
	row("start of the runner to the first Lua line", median(ours, ROUNDS), 0, 0.015);
}

static void bench_gate(void)
{
	double ours[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		struct gate_pass pass = { 0 };
		int64_t start = clock_ns();
		double waited;
		struct err err;

		if (gate_enter(&pass, 128u << 20, 1, &waited, &err))
			die("gate", err.text);
		ours[i] = seconds_since(start);
		gate_leave(&pass);
	}
	row("gate_enter() without waiting", median(ours, ROUNDS), 0, 0.001);
}

/*
 * Reads the seconds that a test file has measured and written to the path, from
 * the file's first line to the end of its VM.
 */
static double own_time(const char *path)
{
	FILE *f = fopen(path, "r");
	double seconds;

	if (!f || fscanf(f, "%lf", &seconds) != 1)
		die(path, "the test wrote no time");
	fclose(f);
	return seconds;
}

static void write_test(const char *file, const char *took)
{
	FILE *f = fopen(file, "w");

	if (!f)
		die(file, strerror(errno));
	fprintf(f, "local core = require 'provium.core'\nlocal start = core.now()\n"
		   "local vm = provium.create('%s'):boot()\n"
		   "test('getpid', function() assert(vm:syscall('getpid') > 0) end)\n"
		   "vm:kill()\n"
		   "io.open('%s', 'w'):write(core.now() - start):close()\n", profile, took);
	fclose(f);
}

/*
 * Measures the runner as make starts it, from exec to exit, without the file's
 * own time.
 */
static void bench_file(void)
{
	char dir[] = "/tmp/provium-bench-XXXXXX", file[64], took[64], base[64];
	char *argv[] = { (char *)runner, (char *)"test", (char *)"--verdict", base, file, NULL };
	char *rm[] = { (char *)"rm", (char *)"-rf", dir, NULL };
	double ours[ROUNDS];

	if (!mkdtemp(dir))
		die(dir, strerror(errno));
	snprintf(file, sizeof(file), "%s/t.lua", dir);
	snprintf(took, sizeof(took), "%s/took", dir);
	snprintf(base, sizeof(base), "%s/t", dir);
	write_test(file, took);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = clock_ns();

		first_byte(argv);
		ours[i] = seconds_since(start) - own_time(took);
	}
	first_byte(rm);
	row("a test file without the time of its VM", median(ours, ROUNDS), 0, 0.025);
}

static void bench_make(void)
{
	char *argv[] = { (char *)make, (char *)"-s", NULL };
	double ours[ROUNDS];

	first_byte(argv);
	for (int i = 0; i < ROUNDS; i++)
		ours[i] = first_byte(argv);
	row("make with nothing to do", median(ours, ROUNDS), 0, 0.5);
}

int main(int argc, char **argv)
{
	struct err err;
	char line[1024];

	if (argc != 5)
		die("usage", "bench PROFILE BARE_CPIO RUNNER MAKE");
	profile = argv[1];
	bare_cpio = argv[2];
	runner = argv[3];
	make = argv[4];
	if (interrupt_init() || choice_make(profile, &accel, &err))
		die("accel", err.text);
	accel_line(&accel, profile, accel.release, line, sizeof(line));
	printf("%s; medians of %d rounds, of %d for round trips\n", line, ROUNDS, TRIP_ROUNDS);
	bench_runner();
	bench_file();
	bench_gate();
	bench_make();
	bench_trips();
	bench_workers();
	bench_boot();
	return 0;
}
