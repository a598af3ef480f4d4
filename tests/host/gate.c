// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate without a VM: processes that hold, wait, die and deadlock, and a
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/gate/gate.h"
#include "runner/gate/jobserver.h"
#include "tests/host/lib/tap.h"

#define MIB (1ull << 20)
#define VM (100 * MIB)			/* of guest memory */
#define CHARGE (VM + GATE_OVERHEAD)
#define PATIENCE_MS 20000

/* --- a process that does what it is told --- */

struct actor {
	pid_t pid;
	int in, out;			/* orders to it, answers from it */
};

/* Orders: "e" enter, "l" leave the last, "c" claim two, "t" try, "q" quit; answers: 0 or errno. */
static void act(int in, int out)
{
	struct gate_pass pass[8] = { 0 };
	int n = 0, answer;
	double waited;
	struct err err;
	char order;

	if (gate_init(NULL, &err))
		_exit(1);
	gate_set_label("an actor");
	while (read(in, &order, 1) == 1) {
		answer = 0;
		if (order == 'e')
			answer = gate_enter(&pass[n], VM, 1, &waited, &err);
		else if (order == 'c')
			answer = gate_claim(2 * VM, 0, &waited, &err);
		else if (order == 't')
			answer = gate_enter_spare(&pass[n], VM, 1) ? 0 : -EAGAIN;
		else if (order == 'l')
			gate_leave(&pass[--n]);
		else
			break;
		if (!answer && (order == 'e' || order == 't'))
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

static void tell(struct actor *a, char order)
{
	if (write(a->in, &order, 1) != 1)
		ok(false, "an actor takes its order");
}

/* Its answer; 1 if there is none within ms. */
static int heard(struct actor *a, int ms)
{
	struct pollfd in = { a->out, POLLIN, 0 };
	int answer;

	if (poll(&in, 1, ms) != 1)
		return 1;
	return read(a->out, &answer, sizeof(answer)) == sizeof(answer) ? answer : 2;
}

static int ask(struct actor *a, char order)
{
	tell(a, order);
	return heard(a, PATIENCE_MS);
}

/* Waiting is a state of its own: the ledger's, not the clock's. */
static bool await_waiters(int nr)
{
	int64_t deadline = deadline_in(PATIENCE_MS / 1000.0);

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

	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two VMs fit");
	tell(&c, 'e');
	ok(await_waiters(1), "the third waits");
	tell(&d, 'e');
	ok(await_waiters(2) && heard(&c, 0) == 1 && heard(&d, 0) == 1, "so does the fourth");
	ok(ask(&a, 'l') == 0 && heard(&c, PATIENCE_MS) == 0, "first come, first served");
	ok(heard(&d, 20) == 1, "one at a time");
	actor_end(&b, SIGKILL);
	ok(heard(&d, PATIENCE_MS) == 0, "what a killed process held is there again");
	tell(&a, 'e');
	ok(await_waiters(1), "one waits");
	actor_end(&a, SIGKILL);
	ok(await_waiters(0), "a killed one does not wait any more");
	ok(!ask(&c, 'l') && !ask(&c, 'e'), "given back and taken again");
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
	   "more than there is: at once, with both numbers");
	gate_set_budget(2 * CHARGE, 2);
	ok(gate_enter(&pass, VM, 3, &waited, &err) == -E2BIG && strstr(err.text, "needs 3 processors in all, but --cpus allows only 2"),
	   "more processors than there are");
	gate_set_budget(2 * CHARGE, 0);
	ok(!gate_enter(&pass, VM, 3, &waited, &err) && waited == 0, "no limit on processors otherwise");
	gate_leave(&pass);
	gate_leave(&pass);
}

static void deadlock(void)
{
	struct actor a = actor_new(), b = actor_new();
	int first, second;

	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two files with one VM each");
	tell(&a, 'e');
	await_waiters(1);
	tell(&b, 'e');
	second = heard(&b, PATIENCE_MS);
	ok(second == -EDEADLK, "want another: the later one is refused, and told of provium.claim");
	ok(heard(&a, 0) == 1, "the other one still waits");
	ask(&b, 'l');
	first = heard(&a, PATIENCE_MS);
	ok(first == 0, "until that one lets go");
	actor_end(&a, 0);
	actor_end(&b, 0);
}

/* A newcomer that wants much must not keep those from going on who hold something. */
static void holders_first(void)
{
	struct actor a = actor_new(), big = actor_new();

	ok(!ask(&a, 'e'), "one holds");
	tell(&big, 'c');
	ok(await_waiters(1), "one who wants twice as much waits");
	ok(!ask(&a, 'e'), "who holds something goes first");
	ask(&a, 'l');
	ask(&a, 'l');
	ok(heard(&big, PATIENCE_MS) == 0, "then the other");
	ok(!ask(&big, 'e') && ask(&a, 't') == -EAGAIN, "a claim is drawn on, and keeps others out");
	ok(!ask(&big, 'e') && ask(&big, 'e') == -E2BIG, "and ends where it was said to");
	actor_end(&a, 0);
	actor_end(&big, 0);
}

static void spares(void)
{
	struct actor a = actor_new(), b = actor_new();

	ok(!ask(&a, 't') && ask(&a, 't') == -EAGAIN, "a spare only where as much again stays free");
	ok(!ask(&b, 'e'), "which another can have");
	actor_end(&a, 0);
	actor_end(&b, 0);
}

/* --- make's slots --- */

static int pipe_fds[2];

static int tokens(void)
{
	int n = -1;

	ioctl(pipe_fds[0], FIONREAD, &n);
	return n;
}

/* As make -jN has it: N - 1 bytes in a pipe. */
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
	ok(!ask(&a, 'e') && tokens() == 2, "a first VM runs in the slot make gave");
	ok(!ask(&a, 'e') && tokens() == 1, "a second one takes another");
	ok(!ask(&a, 'e') && tokens() == 0, "a third the last");
	ok(!ask(&a, 'l') && tokens() == 1 && !ask(&a, 'l') && tokens() == 2, "given back with their VMs");
	ok(!ask(&b, 'e') && !ask(&b, 'e') && tokens() == 1 && !ask(&a, 'e') && tokens() == 0,
	   "two runners share them");
	tell(&c, 'e');
	ok(await_waiters(1), "who waits for memory");
	ok(tokens() == 1, "lends its slot to make");
	ok(!ask(&a, 'l') && heard(&c, PATIENCE_MS) == 0 && tokens() == 1, "and has it again before it goes on");
	tell(&a, 'e');
	await_waiters(1);
	actor_end(&b, 0);
	ok(heard(&a, PATIENCE_MS) == 0, "what a runner had at its end is settled");
	actor_end(&a, 0);
	actor_end(&c, 0);
	ok(tokens() == 2, "in the end make has all");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Two slots, two files with a VM each that want another: each waits with none, one gets both. */
static void tokens_for_two(void)
{
	struct actor a, b, *winner, *other;
	struct pollfd answers[2];

	make_jobserver(2);
	if (read(pipe_fds[0], (char[1]){ 0 }, 1) != 1)	/* make runs two */
		exit(1);
	gate_set_budget(8 * CHARGE, 0);
	a = actor_new();
	b = actor_new();
	ok(!ask(&a, 'e') && !ask(&b, 'e'), "both slots are taken");
	tell(&a, 'e');
	ok(heard(&a, 50) == 1, "no slot for a second VM");
	tell(&b, 'e');
	answers[0] = (struct pollfd){ a.out, POLLIN, 0 };
	answers[1] = (struct pollfd){ b.out, POLLIN, 0 };
	ok(poll(answers, 2, PATIENCE_MS) == 1, "but one of two that wait gets both");
	winner = answers[0].revents ? &a : &b;
	other = answers[0].revents ? &b : &a;
	ok(heard(winner, 0) == 0 && heard(other, 0) == 1, "the other goes on waiting");
	actor_end(winner, 0);
	/* Of two jobs one has ended: make puts its byte back. */
	if (write(pipe_fds[1], "b", 1) != 1)
		exit(1);
	ok(heard(other, PATIENCE_MS) == 0, "and has them next");
	actor_end(other, 0);
	ok(tokens() == 1, "make has all");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/*
 * Three slots, of which a file with a VM needs another: it keeps its own, who has
 * no VM yet lends what it has, and nobody takes what comes before the first has it.
 */
static void first_in_line(void)
{
	struct actor a, b, c;

	make_jobserver(3);
	if (read(pipe_fds[0], (char[2]){ 0 }, 2) != 2)	/* make runs three */
		exit(1);
	gate_set_budget(8 * CHARGE, 0);
	a = actor_new();
	b = actor_new();
	c = actor_new();
	ok(!ask(&a, 'e') && !ask(&b, 'e'), "two have a VM, the third job has none");
	tell(&b, 'e');
	ok(heard(&b, 50) == 1 && tokens() == 0, "who waits for a second slot keeps its first");
	tell(&c, 'e');
	ok(heard(&b, PATIENCE_MS) == 0, "a runner without VMs stands back for it");
	ok(heard(&c, 50) == 1 && tokens() == 0, "but has lent its slot");
	ok(!ask(&b, 'l') && heard(&c, PATIENCE_MS) == 0, "and has it again when the VM has ended");
	actor_end(&a, 0);
	actor_end(&b, 0);
	actor_end(&c, 0);
	ok(tokens() == 0, "each ends with one");
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
	ok(tokens() == 0, "a runner is killed with two slots");
	ok(!gate_return_tokens_of(account, &err) && tokens() == 1, "its account is settled");
	ok(access(account, F_OK) && !gate_return_tokens_of(account, &err) && tokens() == 1, "once");
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
	ok(!bad, "make -n is told from other flags");
	jobserver_open(&j, " -j4 --jobserver-auth=0,1", &account);
	ok(!jobserver_exists(&j), "descriptors that are no pipes are not make's");
	jobserver_open(&j, " -j4 --jobserver-auth=900,901", &account);
	ok(!jobserver_exists(&j), "nor are closed ones");
	jobserver_open(&j, " -j", &account);
	ok(!jobserver_exists(&j) && jobserver_take(&j, 5) && jobserver_tokens_held(&j) == 1,
	   "-j without a number: there is none, and nothing to wait for");
	make_jobserver(3);
	jobserver_open(&j, getenv("MAKEFLAGS"), &account);
	ok(j.nr_jobs == 3 && jobserver_take(&j, 3) && account.taken[0] == 'b' &&
	   account.taken[1] == 'c' && !jobserver_take(&j, 4), "slots are bytes of the pipe");
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
	ok(write(keep, "x", 1) == 1, "make 4.4 has a named pipe");
	snprintf(text, sizeof(text), " -j2 --jobserver-auth=fifo:%s", path);
	jobserver_open(&j, text, &account);
	ok(jobserver_exists(&j) && jobserver_take(&j, 2) && !jobserver_take(&j, 3),
	   "a slot is taken from it");
	jobserver_restore(&j, deadline_in(1));
	ok(read(keep, text, 1) == 1 && *text == 'x', "and the very byte comes back");
	unlink(path);
	close(keep);
}

int main(void)
{
	char dir[] = "/tmp/provium-ledger-XXXXXX", command[64];

	alarm(120);
	interrupt_init();
	unsetenv("MAKEFLAGS");
	if (!mkdtemp(dir) || setenv("PROVIUM_GATE", dir, 1))
		return 1;
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
