// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate without VMs: processes that hold, wait, die and deadlock, and a
 * jobserver made of a pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/gate/budget.h"
#include "runner/gate/gate.h"
#include "runner/gate/jobserver.h"
#include "runner/gate/ledger.h"
#include "tests/host/lib/tap.h"

#define MIB (1ull << 20)
#define VM (100 * MIB)			/* guest memory of one VM, in bytes */
#define CHARGE (VM + BUDGET_OVERHEAD)
/* Time limit for an actor's answer; only a failure takes that long. */
#define LIMIT_MS 20000

/* --- actors: processes that use the gate on command --- */

struct actor {
	pid_t pid;
	int in, out;			/* the pipe for commands to it, and
					 * the pipe for its answers */
};

/*
 * An actor reads commands of one letter and answers each with 0 or -errno: "e"
 * enters the gate for a VM, "s" enters it for a spare, "l" gives the last VM's
 * reservation back, "c" claims memory for two VMs, "q" ends the actor.
 */
static void act(int in, int out)
{
	struct gate_pass pass[8] = { 0 };
	int n = 0, answer;
	double waited;
	struct err err;
	char command;

	if (gate_init(NULL, &err))
		_exit(1);
	gate_set_label("an actor");
	while (read(in, &command, 1) == 1) {
		answer = 0;
		if (command == 'e')
			answer = gate_enter(&pass[n], VM, 1, &waited, &err);
		else if (command == 'c')
			answer = gate_claim(2 * VM, 0, &waited, &err);
		else if (command == 's')
			answer = gate_enter_spare(&pass[n], VM, 1) ? 0 : -EAGAIN;
		else if (command == 'l')
			gate_leave(&pass[--n]);
		else
			break;
		if (!answer && (command == 'e' || command == 's'))
			n++;
		if (answer == -EDEADLK && !strstr(err.text, "provium.claim{memory = \"200M\"}"))
			answer = -EPROTO;
		if (write(out, &answer, sizeof(answer)) < 0)
			break;
	}
	gate_return_tokens();
	_exit(0);
}

static struct actor actor_new(void)
{
	struct actor a;
	int in[2], out[2];
	pid_t parent = getpid();

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		exit(1);
	a.pid = fork();
	if (!a.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close(in[1]);
		close(out[0]);
		act(in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	a.in = in[1];
	a.out = out[0];
	return a;
}

static void tell(struct actor *a, char command)
{
	if (write(a->in, &command, 1) != 1)
		ok(false, "a running actor takes a command");
}

/* Returns the actor's answer; 1 if none arrives within ms. */
static int heard(struct actor *a, int ms)
{
	struct pollfd in = { a->out, POLLIN, 0 };
	int answer;

	if (poll(&in, 1, ms) != 1)
		return 1;
	return read(a->out, &answer, sizeof(answer)) == sizeof(answer) ? answer : 2;
}

static int ask(struct actor *a, char command)
{
	tell(a, command);
	return heard(a, LIMIT_MS);
}

/* Waits until the ledger shows that nr processes wait. */
static bool await_waiters(int nr)
{
	int64_t deadline = deadline_in(LIMIT_MS / 1000.0);

	while (clock_ns() < deadline) {
		char *text = NULL, *at;
		size_t n;
		FILE *f = open_memstream(&text, &n);
		struct err err;
		int seen = 0;

		gate_show(f, &err);
		fclose(f);
		for (at = text; (at = strstr(at, "waits ")); at++)
			seen++;
		free(text);
		if (seen == nr)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static void actor_end(struct actor *a, int sig)
{
	if (sig)
		kill(a->pid, sig);
	else
		tell(a, 'q');
	close(a->in);
	waitpid(a->pid, NULL, 0);
	close(a->out);
}

/* --- memory --- */

static void turns(void)
{
	struct actor a = actor_new(), b = actor_new(), c = actor_new(), d = actor_new();

	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two VMs that fit into the budget start at once");
	tell(&c, 'e');
	ok(await_waiters(1), "a third VM waits while two fill the budget");
	tell(&d, 'e');
	ok(await_waiters(2) && heard(&c, 0) == 1 && heard(&d, 0) == 1, "a fourth VM waits behind the third");
	ok(ask(&a, 'l') == 0 && heard(&c, LIMIT_MS) == 0, "a VM that ends lets the first in the queue start");
	ok(heard(&d, 20) == 1, "a VM that ends lets only one other start");
	actor_end(&b, SIGKILL);
	ok(heard(&d, LIMIT_MS) == 0, "a killed process gives its reservation back");
	tell(&a, 'e');
	ok(await_waiters(1), "a process that has a VM waits for another");
	actor_end(&a, SIGKILL);
	ok(await_waiters(0), "a killed process leaves the queue");
	ok(!ask(&c, 'l') && !ask(&c, 'e'), "memory that was given back can be reserved again");
	actor_end(&c, 0);
	actor_end(&d, 0);
}

static void refusals(void)
{
	struct gate_pass pass = { 0 };
	double waited;
	struct err err;

	ok(gate_enter(&pass, 3 * CHARGE, 1, &waited, &err) == -E2BIG &&
	   strstr(err.text, "needs 684 MiB of memory in all (96 MiB of it QEMU's overhead), but --mem allows only 392 MiB"),
	   "a VM larger than the budget is refused at once, with both numbers");
	gate_set_budget(2 * CHARGE, 2);
	ok(gate_enter(&pass, VM, 3, &waited, &err) == -E2BIG && strstr(err.text, "needs 3 processors in all, but --cpus allows only 2"),
	   "a VM with more processors than the limit is refused");
	gate_set_budget(2 * CHARGE, 0);
	ok(!gate_enter(&pass, VM, 3, &waited, &err) && waited == 0, "without a limit on processors a VM can have any number");
	gate_leave(&pass);
	gate_leave(&pass);
}

static void deadlock(void)
{
	struct actor a = actor_new(), b = actor_new();
	int first, second;

	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two processes fill the budget with one VM each");
	tell(&a, 'e');
	await_waiters(1);
	tell(&b, 'e');
	second = heard(&b, LIMIT_MS);
	ok(second == -EDEADLK, "when both want another VM, the later one is refused: EDEADLK, and provium.claim is suggested");
	ok(heard(&a, 0) == 1, "the earlier one of a deadlock goes on waiting");
	ask(&b, 'l');
	first = heard(&a, LIMIT_MS);
	ok(first == 0, "the earlier one of a deadlock starts when the later one gives its VM back");
	actor_end(&a, 0);
	actor_end(&b, 0);
}

/* A large request of a new process must not block processes that have VMs. */
static void holders_first(void)
{
	struct actor a = actor_new(), big = actor_new();

	ok(!ask(&a, 'e'), "a process has a VM");
	tell(&big, 'c');
	ok(await_waiters(1), "a second process waits for a claim of two VMs");
	ok(!ask(&a, 'e'), "a process with a VM gets a second one before the claim is granted");
	ask(&a, 'l');
	ask(&a, 'l');
	ok(heard(&big, LIMIT_MS) == 0, "a claim is granted when the others have ended");
	ok(!ask(&big, 'e') && ask(&a, 's') == -EAGAIN, "a VM within a claim starts, and the unused part stays reserved");
	ok(!ask(&big, 'e') && ask(&big, 'e') == -E2BIG, "a VM beyond the claim is refused: E2BIG");
	actor_end(&a, 0);
	actor_end(&big, 0);
}

static void spares(void)
{
	struct actor a = actor_new(), b = actor_new();

	ok(!ask(&a, 's') && ask(&a, 's') == -EAGAIN, "a spare is let in only where as much memory again stays free");
	ok(!ask(&b, 'e'), "the memory a spare leaves free is available to others");
	actor_end(&a, 0);
	actor_end(&b, 0);
}

/* --- job tokens --- */

static int pipe_fds[2];

static int tokens(void)
{
	int n = -1;

	ioctl(pipe_fds[0], FIONREAD, &n);
	return n;
}

/* The jobserver of make -jN: N - 1 bytes in a pipe. */
static void make_jobserver(int n)
{
	char flags[64];

	if (pipe(pipe_fds))
		exit(1);
	for (int i = 1; i < n; i++)
		if (write(pipe_fds[1], "abcdefgh" + i % 8, 1) != 1)
			exit(1);
	snprintf(flags, sizeof(flags), " -j%d --jobserver-auth=%d,%d", n, pipe_fds[0], pipe_fds[1]);
	setenv("MAKEFLAGS", flags, 1);
}

static void tokens_of_vms(void)
{
	struct actor a, b, c;

	make_jobserver(3);
	gate_set_budget(4 * CHARGE, 0);
	a = actor_new();
	b = actor_new();
	c = actor_new();
	ok(!ask(&a, 'e') && tokens() == 2, "a first VM runs with the job token that make gave the job");
	ok(!ask(&a, 'e') && tokens() == 1, "a second VM borrows a job token");
	ok(!ask(&a, 'e') && tokens() == 0, "a third VM borrows the last job token of -j3");
	ok(!ask(&a, 'l') && tokens() == 1 && !ask(&a, 'l') && tokens() == 2, "each VM that ends returns its job token");
	ok(!ask(&b, 'e') && !ask(&b, 'e') && tokens() == 1 && !ask(&a, 'e') && tokens() == 0,
	   "two runners share the job tokens of one make");
	tell(&c, 'e');
	ok(await_waiters(1), "a runner waits for memory");
	ok(tokens() == 1, "a runner that waits for memory lends its job token to make");
	ok(!ask(&a, 'l') && heard(&c, LIMIT_MS) == 0 && tokens() == 1, "a runner takes its lent job token back before it goes on");
	tell(&a, 'e');
	await_waiters(1);
	actor_end(&b, 0);
	ok(heard(&a, LIMIT_MS) == 0, "a runner that ends returns the job tokens it borrowed");
	actor_end(&a, 0);
	actor_end(&c, 0);
	ok(tokens() == 2, "when all runners have ended make has its 2 job tokens of -j3");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/*
 * Two job tokens, and two runners that have a VM each and want another: one
 * runner gets both job tokens.
 */
static void tokens_for_two(void)
{
	struct actor a, b, *winner, *other;
	struct pollfd answers[2];

	make_jobserver(2);
	if (read(pipe_fds[0], (char[1]){ 0 }, 1) != 1)	/* make runs two jobs */
		exit(1);
	gate_set_budget(8 * CHARGE, 0);
	a = actor_new();
	b = actor_new();
	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two runners have a VM each, with both job tokens of -j2");
	tell(&a, 'e');
	ok(heard(&a, 50) == 1, "a second VM waits while no job token is free");
	tell(&b, 'e');
	answers[0] = (struct pollfd){ a.out, POLLIN, 0 };
	answers[1] = (struct pollfd){ b.out, POLLIN, 0 };
	ok(poll(answers, 2, LIMIT_MS) == 1, "of two runners that wait for a second job token one gets both");
	winner = answers[0].revents ? &a : &b;
	other = answers[0].revents ? &b : &a;
	ok(heard(winner, 0) == 0 && heard(other, 0) == 1, "the other of two runners goes on waiting");
	actor_end(winner, 0);
	/*
	 * One of make's two jobs has ended: make writes that job's token back
	 * into the pipe.
	 */
	if (write(pipe_fds[1], "b", 1) != 1)
		exit(1);
	ok(heard(other, LIMIT_MS) == 0, "the other of two runners gets both job tokens next");
	actor_end(other, 0);
	ok(tokens() == 1, "when both runners have ended make has its job token of -j2");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/*
 * Three job tokens.  A runner that has a VM and waits for a second job token
 * keeps its first.  A runner without VMs lends its job token, and takes none
 * before the first runner has two.
 */
static void first_in_line(void)
{
	struct actor a, b, c;

	make_jobserver(3);
	if (read(pipe_fds[0], (char[2]){ 0 }, 2) != 2)	/* make runs three jobs */
		exit(1);
	gate_set_budget(8 * CHARGE, 0);
	a = actor_new();
	b = actor_new();
	c = actor_new();
	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two of three runners have a VM each");
	tell(&b, 'e');
	ok(heard(&b, 50) == 1 && tokens() == 0, "a runner that waits for a second job token keeps its first");
	tell(&c, 'e');
	ok(heard(&b, LIMIT_MS) == 0, "a runner without VMs lends its job token to one that waits for a second");
	ok(heard(&c, 50) == 1 && tokens() == 0, "a runner without VMs waits after it has lent its job token");
	ok(!ask(&b, 'l') && heard(&c, LIMIT_MS) == 0, "a runner without VMs gets its job token back when another VM has ended");
	actor_end(&a, 0);
	actor_end(&b, 0);
	actor_end(&c, 0);
	ok(tokens() == 0, "three runners under -j3 end with one job token each");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void after_a_kill(void)
{
	char account[] = "/tmp/provium-gate-XXXXXX";
	struct gate_pass pass[2] = { { 0 } };
	double waited;
	struct err err;
	pid_t pid;
	int fd = mkstemp(account);

	close(fd);
	make_jobserver(2);
	pid = fork();
	if (!pid) {
		gate_init(account, &err);
		gate_enter(&pass[0], VM, 1, &waited, &err);
		gate_enter(&pass[1], VM, 1, &waited, &err);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	ok(tokens() == 0, "a killed runner leaves make without the job token it borrowed");
	ok(!gate_return_tokens_of(account, &err) && tokens() == 1, "gate_return_tokens_of() returns the job tokens of a killed runner");
	ok(access(account, F_OK) && !gate_return_tokens_of(account, &err) && tokens() == 1, "a second gate_return_tokens_of() returns nothing");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void flags(void)
{
	static const struct {
		const char *flags;
		bool dry;
	} rows[] = {
		{ NULL, false }, { "", false }, { "n", true }, { "kn -j4", true },
		{ " -j4 --jobserver-auth=3,4", false }, { "k -- FILE=n", false },
		{ "NAME=value", false }, { "s", false }, { "q", true }, { "t", true },
		{ "w", false }, { " --no-print-directory", false },
	};
	struct jobserver_account account = { 0 };
	struct jobserver j;
	int bad = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bad += jobserver_dry_run(rows[i].flags) != rows[i].dry;
	ok(!bad, "MAKEFLAGS with -n, -q or -t is told from other flags");
	jobserver_open(&j, " -j4 --jobserver-auth=0,1", &account);
	ok(!jobserver_exists(&j), "descriptors that are not pipes are not taken for a jobserver");
	jobserver_open(&j, " -j4 --jobserver-auth=900,901", &account);
	ok(!jobserver_exists(&j), "closed descriptors are not taken for a jobserver");
	jobserver_open(&j, " -j", &account);
	ok(!jobserver_exists(&j) && jobserver_take(&j, 5) && jobserver_tokens_held(&j) == 1,
	   "with -j but no number there is no jobserver, and no job token to wait for");
	make_jobserver(3);
	jobserver_open(&j, getenv("MAKEFLAGS"), &account);
	ok(j.nr_jobs == 3 && jobserver_take(&j, 3) && account.taken[0] == 'b' &&
	   account.taken[1] == 'c' && !jobserver_take(&j, 4), "job tokens are the bytes of the pipe, and -j3 has no fourth");
	jobserver_give(&j, 1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void fifo(void)
{
	struct jobserver_account account = { 0 };
	char path[] = "/tmp/provium-fifo-XXXXXX", text[80];
	struct jobserver j;
	int keep;

	close(mkstemp(path));
	unlink(path);
	mkfifo(path, 0600);
	keep = open(path, O_RDWR | O_CLOEXEC);
	ok(write(keep, "x", 1) == 1, "a byte is written into a named pipe, the jobserver of make 4.4");
	snprintf(text, sizeof(text), " -j2 --jobserver-auth=fifo:%s", path);
	jobserver_open(&j, text, &account);
	ok(jobserver_exists(&j) && jobserver_take(&j, 2) && !jobserver_take(&j, 3),
	   "a job token is taken from a named pipe");
	jobserver_restore(&j, deadline_in(1));
	ok(read(keep, text, 1) == 1 && *text == 'x', "the same byte is returned to a named pipe");
	unlink(path);
	close(keep);
}

/*
 * The errors for a gate folder or ledger that cannot be used must name the
 * errno, and must not count as a failure of the test.
 */
static void unusable_directories(const char *dir)
{
	char *link = xasprintf("%s/link", dir);
	struct rlimit none = { 0, RLIM_INFINITY };
	struct ledger_row row = { 0 };
	struct ledger l;
	struct err err;

	ledger_init(&l);
	setenv("PROVIUM_GATE", "/dev/null/gate", 1);
	ok(ledger_open(&l, &err) == -ENOTDIR && err.kind == ERR_BROKEN &&
	   !strcmp(err.text, "gate: cannot create the directory /dev/null/gate: Not a directory; set PROVIUM_GATE to a directory that can be written to"),
	   "a directory that cannot be created is BROKEN, with its errno");
	setenv("PROVIUM_GATE", link, 1);
	ok(!symlink(dir, link) && ledger_open(&l, &err) == -EACCES && err.kind == ERR_BROKEN &&
	   strstr(err.text, "is not a directory of this user: remove it"),
	   "a symbolic link in place of the directory is refused");
	setenv("PROVIUM_GATE", dir, 1);
	signal(SIGXFSZ, SIG_IGN);
	ok(!ledger_open(&l, &err) && !setrlimit(RLIMIT_FSIZE, &none) &&
	   ledger_write(&l, &row, &err) == -EFBIG && err.kind == ERR_BROKEN &&
	   !strcmp(err.text, "gate: cannot write the ledger: File too large; raise the limit of file sizes (ulimit -f)"),
	   "a ledger that cannot be written is BROKEN, with its errno");
	none.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &none);
	ledger_close(&l);
	unlink(link);
	free(link);
}

int main(void)
{
	char dir[] = "/tmp/provium-ledger-XXXXXX", command[64];

	alarm(120);
	interrupt_init();
	unsetenv("MAKEFLAGS");
	if (!mkdtemp(dir) || setenv("PROVIUM_GATE", dir, 1))
		return 1;
	unusable_directories(dir);
	gate_set_budget(2 * CHARGE, 0);
	refusals();
	turns();
	deadlock();
	holders_first();
	spares();
	flags();
	fifo();
	tokens_of_vms();
	tokens_for_two();
	first_in_line();
	after_a_kill();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 1 : done();
}
