// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent itself, as a process of this machine over a socketpair: routing,
 * buffers and their guards, deaths of executors, bad frames.  $PROVIUM_AGENT.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "agent/agent.h"
#include "runner/vm/conn.h"
#include "tests/host/lib/tap.h"

#define CHAN_NOBODY 4000u
#define PATIENCE 20.0			/* seconds; only a failure takes them */

struct peer {
	pid_t pid;
	struct conn conn;
	uint32_t tag;
	/* the last answer */
	struct wire_header hdr;
	uint8_t payload[1 << 17];
	struct buf data;		/* data frames before it */
};

static struct peer *peer_start(void)
{
	struct peer *p = xcalloc(1, sizeof(*p));
	const char *agent = getenv("PROVIUM_AGENT");
	char number[16];
	int fds[2];

	conn_init(&p->conn);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		exit(1);
	p->pid = fork();
	if (!p->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(fds[1], F_SETFD, 0);
		snprintf(number, sizeof(number), "%d", fds[1]);
		/* With SAN=1: a SIGSEGV is the kernel's to deliver, too. */
		setenv("ASAN_OPTIONS", "handle_segv=0", 1);
		execl(agent ? agent : "out/bin/agent", "agent", "--fd", number,
		      (char *)NULL);
		perror("agent");
		_exit(127);
	}
	if (p->pid < 0)
		exit(1);
	close(fds[1]);
	conn_open(&p->conn, fds[0]);
	return p;
}

/* The next frame: 0, or -EPIPE at the end, -ETIMEDOUT. */
static int next_frame(struct peer *p)
{
	int64_t deadline = deadline_in(PATIENCE);
	const uint8_t *payload;
	struct err err;
	int ret;

	while (!(ret = conn_peek(&p->conn, &p->hdr, &payload, &err))) {
		struct pollfd pfd = { p->conn.fd, POLLIN, 0 };

		if (conn_wants_out(&p->conn))
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, deadline_poll_ms(deadline)) <= 0)
			return -ETIMEDOUT;
		conn_flush(&p->conn);
		if (pfd.revents & (POLLIN | POLLHUP) && conn_feed(&p->conn))
			return -EPIPE;
	}
	if (ret < 0 || p->hdr.len > sizeof(p->payload))
		return -EBADMSG;
	memcpy(p->payload, payload, p->hdr.len);
	conn_drop(&p->conn, &p->hdr);
	return 0;
}

/* Where ops that are an executor's go. */
static uint32_t executor = WIRE_EXECUTOR;

static void send_raw(struct peer *p, uint32_t channel, unsigned int op,
		     const void *payload, size_t n)
{
	struct wire_header hdr = {
		.len = (uint32_t)n, .tag = ++p->tag, .channel = channel,
		.op = (uint16_t)op, .kind = WIRE_REQUEST,
	};

	conn_send(&p->conn, &hdr, payload);
}

static void send_op(struct peer *p, enum wire_op nr, const void *req)
{
	const struct wire_op_desc *op = wire_op_by_number(nr);
	size_t n = wire_encode(op->req, req, NULL, 0);
	uint8_t *raw = malloc(n + 1);

	wire_encode(op->req, req, raw, n);
	send_raw(p, op->supervisor ? WIRE_SUPERVISOR : executor, nr, raw, n);
	free(raw);
}

/* The answer to the last request; data frames are gathered. */
static int answer(struct peer *p)
{
	int ret;

	p->data.len = 0;
	while (!(ret = next_frame(p))) {
		struct wire_arena none = { 0 };
		struct wire_data data;

		if (p->hdr.tag != p->tag)
			continue;	/* what was given up earlier */
		if (p->hdr.kind != WIRE_DATA)
			break;
		if (wire_decode(&wire_desc_data, &data, p->payload,
				p->hdr.len, &none))
			return -EBADMSG;
		buf_add(&p->data, data.data.p, data.data.len);
	}
	return ret;
}

/* Sends and decodes; false unless it was a proper reply. */
static bool call(struct peer *p, enum wire_op nr, const void *req, void *rep)
{
	static uint8_t scratch[1 << 16];
	struct wire_arena arena = { scratch, sizeof(scratch), 0 };

	send_op(p, nr, req);
	return !answer(p) && p->hdr.kind == WIRE_REPLY &&
	       !wire_decode(wire_op_by_number(nr)->rep, rep, p->payload,
			    p->hdr.len, &arena);
}

static struct wire_fail failure(struct peer *p)
{
	struct wire_arena none = { 0 };
	struct wire_fail fail = { 0 };

	if (p->hdr.kind == WIRE_FAIL)
		wire_decode(&wire_desc_fail, &fail, p->payload, p->hdr.len, &none);
	return fail;
}

static bool text_has(const struct wire_bytes *b, const char *s)
{
	return memmem(b->p, b->len, s, strlen(s));
}

static struct peer *peer_greeted(void)
{
	struct peer *p = peer_start();
	struct wire_hello hello = { .fingerprint = wire_fingerprint() };
	struct wire_nothing none;

	if (next_frame(p) || p->hdr.kind != WIRE_READY ||
	    !call(p, WIRE_OP_hello, &hello, &none))
		ok(false, "the agent says ready and takes our hello");
	return p;
}

/* A signal to one process: -1, a failed getpid, would be everybody's. */
static void signal_to(int64_t pid, int sig)
{
	if (pid > 1)
		kill((pid_t)pid, sig);
}

/* Hangs up; the agent ends by itself. */
static bool peer_end(struct peer *p, int *status)
{
	int64_t deadline = deadline_in(PATIENCE);
	struct pollfd end = { (int)syscall(SYS_pidfd_open, p->pid, 0), POLLIN, 0 };
	bool ended;

	conn_release(&p->conn);
	ended = poll(&end, 1, deadline_poll_ms(deadline)) == 1;
	if (!ended)
		signal_to(p->pid, SIGKILL);
	waitpid(p->pid, status, 0);
	close(end.fd);
	buf_release(&p->data);
	free(p);
	return ended;
}

static struct wire_bytes str(const char *s)
{
	return (struct wire_bytes){ s, (uint32_t)strlen(s) };
}

/* Until the process is gone (reaped, too). */
static bool await_end(int64_t pid)
{
	int64_t deadline = deadline_in(PATIENCE);

	while (pid > 1 && !kill((pid_t)pid, 0) && clock_ns() < deadline)
		poll(NULL, 0, 1);
	return pid > 1 && kill((pid_t)pid, 0);
}

/* --- hello --- */

static void hellos(void)
{
	struct wire_hello wrong = { .fingerprint = wire_fingerprint() + 1 };
	struct wire_arena none = { 0 };
	struct wire_ready ready;
	struct peer *p = peer_start();
	int status;

	ok(!next_frame(p) && p->hdr.kind == WIRE_READY &&
	   !wire_decode(&wire_desc_ready, &ready, p->payload, p->hdr.len, &none) &&
	   ready.fingerprint == wire_fingerprint(),
	   "ready comes first, with the table's fingerprint");
	send_op(p, WIRE_OP_hello, &wrong);
	ok(answer(p) == -EPIPE, "a hello with another fingerprint ends the link");
	ok(peer_end(p, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 1,
	   "and the agent");

	p = peer_start();
	next_frame(p);
	send_op(p, WIRE_OP_echo, &(struct wire_blob){ str("x") });
	ok(answer(p) == -EPIPE, "a call before hello ends the link");
	peer_end(p, &status);
}

/* --- calls --- */

static int64_t getpid_by(struct peer *p)
{
	struct wire_syscall_req req = { .nr = SYS_getpid };
	struct wire_syscall_rep rep;

	return call(p, WIRE_OP_syscall, &req, &rep) ? rep.ret : -1;
}

static void echoes(struct peer *p)
{
	static uint8_t big[100000];
	struct wire_blob blob = { str("hello") }, rep;

	ok(call(p, WIRE_OP_echo, &blob, &rep) && rep.data.len == 5, "echo");
	ok(call(p, WIRE_OP_ping, &blob, &rep) && rep.data.len == 5, "ping");
	memset(big, 'b', sizeof(big));
	blob.data = (struct wire_bytes){ big, sizeof(big) };
	ok(call(p, WIRE_OP_echo, &blob, &rep) && rep.data.len == sizeof(big) &&
	   !memcmp(rep.data.p, big, sizeof(big)), "echo of 100000 bytes");
	ok(call(p, WIRE_OP_echo, &(struct wire_blob){ str("") }, &rep), "and of none");
}

static void buffers(struct peer *p)
{
	int64_t pid = getpid_by(p);
	struct wire_seg segs[3] = {
		{ .arg = 0, .parent = -1, .len = 10, .data = str("/dev/zero") },
	};
	struct wire_syscall_req req = {
		.nr = SYS_open, .segs = { segs, 1 },
	};
	struct wire_syscall_rep rep;
	const struct wire_out *out;
	int64_t fd;

	ok(pid > 0 && pid == getpid_by(p), "one executor, pid %d", (int)pid);
	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret == 3,
	   "the first descriptor a test opens is 3");
	fd = rep.ret;
	segs[0] = (struct wire_seg){
		.arg = 1, .parent = -1, .len = 16, .out = 1, .data = str("0123456789abcdef"),
	};
	req = (struct wire_syscall_req){
		.nr = SYS_read, .a0 = (uint64_t)fd, .a2 = 16, .segs = { segs, 1 },
	};
	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret == 16 && rep.outs.nr == 1 &&
	   (out = rep.outs.items)->data.len == 16 && !*(const char *)out->data.p,
	   "read fills the buffer");
	req.a2 = 17;
	ok(call(p, WIRE_OP_syscall, &req, &rep) &&
	   (rep.ret == -EFAULT || rep.ret == 16),
	   "one byte past the end is not written (%d)", (int)rep.ret);
	/* readv: an iovec whose pointer is patched to a third buffer. */
	uint64_t iov[2] = { 0, 8 };

	segs[0] = (struct wire_seg){
		.arg = 1, .parent = -1, .len = 16, .data = { iov, 16 },
	};
	segs[1] = (struct wire_seg){
		.arg = -1, .parent = 0, .offset = 0, .len = 8, .out = 1,
		.data = str("XXXXXXXX"),
	};
	req = (struct wire_syscall_req){
		.nr = SYS_readv, .a0 = (uint64_t)fd, .a2 = 1, .segs = { segs, 2 },
	};
	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret == 8 && rep.outs.nr == 1 &&
	   !*(const char *)((struct wire_out *)rep.outs.items)->data.p,
	   "a pointer inside a buffer");
	segs[1].offset = 9;
	ok(!call(p, WIRE_OP_syscall, &req, &rep) &&
	   failure(p).reason == WIRE_REASON_BAD, "a pointer past its buffer's end is refused");
	segs[1].offset = 0;
	segs[1].parent = 1;
	ok(!call(p, WIRE_OP_syscall, &req, &rep) &&
	   failure(p).reason == WIRE_REASON_BAD, "a buffer cannot be its own parent");
}

static void fork_likes(struct peer *p)
{
	struct wire_syscall_req req = { .nr = SYS_fork };
	struct wire_syscall_rep rep;
	int64_t pid = getpid_by(p), child;

	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret > 0 && rep.ret != pid,
	   "fork returns a child's pid, once");
	child = rep.ret;
	req = (struct wire_syscall_req){ .nr = SYS_wait4, .a0 = (uint64_t)child };
	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret == child,
	   "the child has ended, and is the test's to wait for");
	req = (struct wire_syscall_req){ .nr = SYS_vfork };
	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret > 0, "vfork");
	ok(getpid_by(p) == pid, "the executor goes on");
}

/* Did the last answer tell of a death, in these words? */
static bool told(struct peer *p, const char *words)
{
	struct wire_fail fail = failure(p);

	note("%.*s", (int)fail.text.len, (const char *)fail.text.p);
	return fail.reason == WIRE_REASON_GONE && text_has(&fail.text, words) &&
	       text_has(&fail.text, "descriptors are gone");
}

static void deaths(struct peer *p)
{
	struct wire_syscall_req req = { .nr = SYS_exit_group, .a0 = 3 };
	struct wire_syscall_rep rep;
	int64_t pid = getpid_by(p);

	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "exited with status 3"),
	   "exit_group has no reply, but says so");
	ok(getpid_by(p) > 0 && getpid_by(p) != pid, "the next call has a new executor");
	pid = getpid_by(p);
	req = (struct wire_syscall_req){
		.nr = SYS_tgkill, .a0 = (uint64_t)pid, .a1 = (uint64_t)pid,
		.a2 = SIGSEGV,	/* tgkill refuses pids that are not positive */
	};
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "signal 11"), "SIGSEGV");
	/* Between two calls, from outside, while it reads the link. */
	pid = getpid_by(p);
	signal_to(pid, SIGKILL);
	await_end(pid);
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "before this"),
	   "killed while idle: the next call says so");
	req = (struct wire_syscall_req){
		.nr = SYS_close_range, .a0 = 3, .a1 = ~0u,
	};
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "were closed"),
	   "close_range of all");
	pid = getpid_by(p);
	signal_to(pid, SIGSTOP);
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && failure(p).reason == WIRE_REASON_GONE,
	   "a stopped executor does not hang the link");
	ok(getpid_by(p) > 0, "and the next call works");
}

/* Kills at random moments, during calls and between them; tags stay in step. */
static void random_kills(struct peer *p, int rounds)
{
	struct wire_blob blob = { str("abcdefgh") }, rep;
	unsigned int state = 42, gone = 0, replies = 0, other = 0;

	for (int i = 0; i < rounds; i++) {
		int64_t pid = getpid_by(p);
		struct timespec ts = { 0, 0 };

		state = state * 1103515245 + 12345;
		ts.tv_nsec = state % 60000;
		send_op(p, WIRE_OP_echo, &blob);
		/* A moment, not a synchronisation: any will do. */
		ppoll(NULL, 0, &ts, NULL);
		signal_to(pid, SIGKILL);
		if (answer(p)) {
			other++;
			break;
		}
		if (p->hdr.kind == WIRE_REPLY)
			replies++;	/* it was faster */
		else if (failure(p).reason == WIRE_REASON_GONE)
			gone++;
		else
			other++;
	}
	ok(!other, "%d kills at random moments: %u replies, %u deaths told",
	   rounds, replies, gone);
	call(p, WIRE_OP_echo, &blob, &rep);	/* may tell of the last death */
	ok(call(p, WIRE_OP_echo, &blob, &rep) && rep.data.len == 8,
	   "and the link is in step");
}

/* --- workers --- */

static int64_t ask(struct peer *p, int64_t nr)
{
	struct wire_syscall_req req = { .nr = nr };
	struct wire_syscall_rep rep;

	return call(p, WIRE_OP_syscall, &req, &rep) ? rep.ret : -1;
}

static void worker(struct peer *p, bool thread)
{
	const char *kind = thread ? "thread" : "process";
	struct wire_spawn_req req = { .thread = thread };
	struct wire_syscall_req exit_req = { .nr = SYS_exit, .a0 = 0 };
	struct wire_syscall_rep exit_rep;
	struct wire_channel_req whom;
	struct wire_spawn_rep rep;
	struct wire_nothing none;
	int64_t pid = getpid_by(p);

	ok(call(p, WIRE_OP_spawn, &req, &rep) && rep.channel > WIRE_EXECUTOR &&
	   (rep.pid == pid) == thread && rep.tid != pid, "a %s worker", kind);
	executor = whom.channel = rep.channel;
	ok(ask(p, SYS_gettid) == rep.tid && ask(p, SYS_getpid) == rep.pid,
	   "calls on its channel are its own");
	ok(!call(p, WIRE_OP_spawn, &req, &rep) && failure(p).reason == WIRE_REASON_BAD,
	   "a worker does not spawn");
	ok(!call(p, WIRE_OP_syscall, &exit_req, &exit_rep) &&
	   failure(p).reason == WIRE_REASON_GONE, "its end is told");
	ok(ask(p, SYS_getpid) == -1 && failure(p).reason == WIRE_REASON_GONE,
	   "and told again: it is not replaced");
	executor = WIRE_EXECUTOR;
	ok(getpid_by(p) == pid, "the executor goes on");
	ok(call(p, WIRE_OP_end_worker, &whom, &none), "dismissed after its end");
	ok(!call(p, WIRE_OP_end_worker, &whom, &none) &&
	   failure(p).reason == WIRE_REASON_BAD, "but not twice");
	ok(call(p, WIRE_OP_spawn, &req, &rep), "another");
	whom.channel = rep.channel;
	ok(call(p, WIRE_OP_end_worker, &whom, &none), "dismissed alive");
	ok(thread ? syscall(SYS_tgkill, rep.pid, rep.tid, 0) && errno == ESRCH :
	   await_end(rep.pid), "it is gone");
}

static void many_threads(struct peer *p, int rounds)
{
	struct wire_spawn_req req = { .thread = 1 };
	int64_t pid = getpid_by(p);
	int bad = 0;

	for (int i = 0; i < rounds; i++) {
		struct wire_spawn_rep rep;
		struct wire_channel_req whom;
		struct wire_nothing none;

		bad += !call(p, WIRE_OP_spawn, &req, &rep);
		whom.channel = executor = rep.channel;
		bad += ask(p, SYS_gettid) != rep.tid;
		executor = WIRE_EXECUTOR;
		bad += !call(p, WIRE_OP_end_worker, &whom, &none);
	}
	ok(!bad && getpid_by(p) == pid, "%d threads one after the other", rounds);
}

/* --- batches --- */

static void batches(struct peer *p)
{
	struct wire_syscall_req one = { .nr = SYS_getpid };
	struct wire_exec_req streams = { .cmd = str("echo x"), .limit = 100 };
	uint8_t raw[2][128];
	struct wire_item items[3] = {
		{ WIRE_OP_syscall, { raw[0], 0 } }, { WIRE_OP_exec, { raw[1], 0 } },
		{ WIRE_OP_batch, { raw[1], 0 } },
	};
	struct wire_batch_req req = { .rounds = 2, .calls = { items, 3 } };
	const struct wire_result *results;
	struct wire_syscall_rep got;
	struct wire_arena none = { 0 };
	struct wire_batch_rep rep;

	items[0].payload.len = (uint32_t)wire_encode(&wire_desc_syscall_req, &one, raw[0], 128);
	items[1].payload.len = (uint32_t)wire_encode(&wire_desc_exec_req, &streams, raw[1], 128);
	ok(call(p, WIRE_OP_batch, &req, &rep) && rep.results.nr == 6, "two rounds of three");
	results = rep.results.items;
	ok(results[3].kind == WIRE_REPLY &&
	   !wire_decode(&wire_desc_syscall_rep, &got, results[3].payload.p,
			results[3].payload.len, &none) &&
	   got.ret == getpid_by(p), "a call's result");
	ok(results[1].kind == WIRE_FAIL && results[2].kind == WIRE_FAIL,
	   "what streams, and a batch, are refused");
	req.rounds = ~0u;
	ok(!call(p, WIRE_OP_batch, &req, &rep) && failure(p).reason == WIRE_REASON_BAD,
	   "too many rounds");
	req = (struct wire_batch_req){ .rounds = 1, .race = 1, .holder = CHAN_NOBODY };
	ok(!call(p, WIRE_OP_batch, &req, &rep) && failure(p).reason == WIRE_REASON_BAD,
	   "a race that nobody holds");
}

/* --- jobs --- */

static void jobs(struct peer *p)
{
	struct wire_job_req req = { .cmd = str("echo out; echo err >&2; sleep 0.1; exit 5") };
	struct wire_job_wait_req wait = { .ms = 20000 };
	struct wire_job_wait_rep rep;
	struct wire_job_rep job;

	ok(call(p, WIRE_OP_job, &req, &job) && job.pid > 1, "a job");
	wait.id = job.id;
	ok(call(p, WIRE_OP_job_wait, &wait, &rep) && !rep.running && rep.code == 5 &&
	   !strcmp(buf_str(&p->data), "out\nerr\n"), "its end and its output");
	req.cmd = str("sleep 1000");
	ok(call(p, WIRE_OP_job, &req, &job), "one that lasts");
	wait = (struct wire_job_wait_req){ .id = job.id };
	ok(call(p, WIRE_OP_job_wait, &wait, &rep) && rep.running && rep.code == -1, "it runs");
	wait.kill = 1;
	ok(call(p, WIRE_OP_job_wait, &wait, &rep) && !rep.running && rep.signal == SIGKILL,
	   "killed");
	wait.id = 12345;
	ok(!call(p, WIRE_OP_job_wait, &wait, &rep), "no such job");
	req.cwd = str("/no/such");
	ok(!call(p, WIRE_OP_job, &req, &job) && failure(p).err == ENOENT, "no such cwd");
}

/* Whole lines, each one more than the one before. */
static bool counts_up(const char *s)
{
	unsigned long last = 0, n;
	char *end;

	for (s = strchr(s, '\n'); s && s[1]; s = strchr(s + 1, '\n')) {
		n = strtoul(s + 1, &end, 10);
		if (*end != '\n')
			return !*end;	/* the last one, cut off */
		if (last && n != last + 1)
			return false;
		last = n;
	}
	return true;
}

/* Asked for while it writes faster than it is read: nothing that was overwritten meanwhile. */
static void flood(struct peer *p)
{
	struct wire_job_req req = { .cmd = str("seq 1 20000000") };
	struct wire_job_wait_req wait = { 0 };
	struct wire_job_wait_rep rep = { .running = 1 };
	struct wire_job_rep job;
	int asked = 0, torn = 0;

	call(p, WIRE_OP_job, &req, &job);
	wait.id = job.id;
	for (; rep.running; asked++) {
		if (!call(p, WIRE_OP_job_wait, &wait, &rep))
			break;
		torn += !counts_up(buf_str(&p->data));
	}
	ok(!rep.running && !torn && rep.dropped1 > JOB_KEPT,
	   "a flood of output: asked for %d times, torn %d times", asked, torn);
}

/* --- commands and files --- */

static void commands(struct peer *p)
{
	struct wire_str env[] = { { str("A=b c") } };
	struct wire_exec_req req = {
		.cmd = str("cat; echo $A; pwd; echo err >&2; exit 7"),
		.cwd = str("/"), .env = { env, 1 }, .input = str("in\n"),
		.limit = 1 << 20,
	};
	struct wire_exec_rep rep;

	ok(call(p, WIRE_OP_exec, &req, &rep) && rep.code == 7 && !rep.signal,
	   "exit status");
	ok(!strncmp(buf_str(&p->data), "in\nb c\n/\n", 9), "stdin, env, cwd");
	req = (struct wire_exec_req){ .cmd = str("kill -9 $$"), .limit = 100 };
	ok(call(p, WIRE_OP_exec, &req, &rep) && rep.code == 137 && rep.signal == 9,
	   "killed by a signal");
	req.cmd = str("yes");
	ok(call(p, WIRE_OP_exec, &req, &rep) && rep.overflow == 1 &&
	   p->data.len <= 100, "more output than the limit: killed");
	req.cmd = str("true");
	req.cwd = str("/no/such");
	ok(!call(p, WIRE_OP_exec, &req, &rep) && failure(p).err == ENOENT, "no such cwd");
	req = (struct wire_exec_req){ .cmd = str("sleep 1 & echo x"), .limit = 100 };
	ok(call(p, WIRE_OP_exec, &req, &rep) && !rep.code,
	   "what a command leaves running is not waited for");
}

#define PAUSE_SYSCALL "syscall: 34 "	/* /proc/PID/syscall: its number first */

static void aborts(struct peer *p)
{
	struct wire_syscall_req pause_req = { .nr = SYS_pause };
	struct wire_abort_req req = { .channel = WIRE_EXECUTOR };
	struct wire_abort_rep rep;
	struct wire_arena none = { 0 };
	uint32_t first;

	send_op(p, WIRE_OP_syscall, &pause_req);
	first = p->tag;
	send_op(p, WIRE_OP_echo, &(struct wire_blob){ str("x") });
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BUSY,
	   "a second call meanwhile: busy");
	send_op(p, WIRE_OP_abort, &req);
	ok(!answer(p) && p->hdr.kind == WIRE_REPLY &&
	   !wire_decode(&wire_desc_abort_rep, &rep, p->payload, p->hdr.len, &none) &&
	   rep.aborted == WIRE_ABORTED_EXECUTOR && text_has(&rep.report, PAUSE_SYSCALL),
	   "abort says where it was");
	p->tag = first;
	ok(!answer(p) && failure(p).reason == WIRE_REASON_GONE, "and the call is over");
	p->tag = first + 10;
	ok(call(p, WIRE_OP_abort, &req, &rep) && rep.aborted == WIRE_ABORTED_NOTHING,
	   "nothing to abort");
}

static void files(struct peer *p)
{
	char path[] = "/tmp/provium-host-XXXXXX";
	int fd = mkstemp(path);
	struct wire_write_req w = { .path = str(path), .data = str("hello ") };
	struct wire_path_req r = { str(path) };
	struct wire_nothing none;
	struct wire_read_rep rep;

	close(fd);
	ok(call(p, WIRE_OP_write, &w, &none), "write");
	w = (struct wire_write_req){ str(path), 6, str("world") };
	ok(call(p, WIRE_OP_write, &w, &none) && call(p, WIRE_OP_read, &r, &rep) &&
	   rep.size == 11 && !strcmp(buf_str(&p->data), "hello world"),
	   "write on, read back");
	unlink(path);
	ok(!call(p, WIRE_OP_read, &r, &rep) && failure(p).err == ENOENT, "ENOENT");
	r.path = str("/proc/self/status");
	ok(call(p, WIRE_OP_read, &r, &rep) && strstr(buf_str(&p->data), "Pid:"),
	   "a file without a size");
}

/* --- bad frames --- */

static void bad_frames(void)
{
	struct peer *p = peer_greeted();
	uint8_t junk[WIRE_HEADER];
	int status;

	send_raw(p, 7, WIRE_OP_echo, "", 0);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "no such channel");
	send_raw(p, WIRE_SUPERVISOR, 999, "", 0);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "no such op");
	send_raw(p, WIRE_EXECUTOR, WIRE_OP_hello, "", 0);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "an op of the other's");
	send_raw(p, WIRE_EXECUTOR, WIRE_OP_syscall, "short", 5);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "a truncated request");
	ok(getpid_by(p) > 0, "none of them did any harm");
	memset(junk, 0xff, sizeof(junk));
	ok(send(p->conn.fd, junk, sizeof(junk), 0) == sizeof(junk), "16 bytes of 0xff");
	ok(answer(p) == -EPIPE, "end the link");
	ok(peer_end(p, &status), "and the agent");
}

static void nothing_left(void)
{
	struct peer *p = peer_greeted();
	struct wire_job_req req = { .cmd = str("sleep 1000") };
	struct wire_spawn_req spawn = { .thread = 0 };
	struct wire_spawn_rep worker_rep;
	int64_t first = getpid_by(p);
	struct wire_job_rep job;
	int status;

	ok(call(p, WIRE_OP_job, &req, &job) && call(p, WIRE_OP_spawn, &spawn, &worker_rep),
	   "an agent with a worker and a job");

	ok(peer_end(p, &status) && WIFEXITED(status) && !WEXITSTATUS(status),
	   "hanging up ends the agent");
	ok(await_end(first) && await_end(worker_rep.pid) && await_end(job.pid),
	   "and its executor, its worker and its job");
}

int main(void)
{
	struct peer *p;
	int status;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	hellos();
	p = peer_greeted();
	echoes(p);
	buffers(p);
	fork_likes(p);
	deaths(p);
	random_kills(p, 300);
	worker(p, false);
	worker(p, true);
	many_threads(p, 300);
	batches(p);
	jobs(p);
	flood(p);
	commands(p);
	files(p);
	aborts(p);
	peer_end(p, &status);
	bad_frames();
	nothing_left();
	return done();
}
