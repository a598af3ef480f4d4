// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to an agent that runs as a process of this machine: hello, system calls
 * and their buffers, batches, commands, files, malformed frames.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/shared/shared.h"
#include "tests/host/lib/agent_peer.h"
#include "tests/host/lib/tap.h"

#define CHAN_NOBODY 4000u

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
	   "the agent sends ready first, with the protocol's fingerprint");
	send_op(p, WIRE_OP_hello, &wrong);
	ok(answer(p) == -EPIPE, "a hello with another fingerprint ends the link");
	ok(peer_end(p, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 1,
	   "a hello with another fingerprint ends the agent with status 1");

	p = peer_start();
	next_frame(p);
	send_op(p, WIRE_OP_echo, &(struct wire_blob){ str("x") });
	ok(answer(p) == -EPIPE, "a call before hello ends the link");
	peer_end(p, &status);
}

static void echoes(struct peer *p)
{
	static uint8_t big[100000];
	struct wire_blob blob = { str("hello") }, rep;

	ok(call(p, WIRE_OP_echo, &blob, &rep) && rep.data.len == 5, "echo returns its payload");
	ok(call(p, WIRE_OP_ping, &blob, &rep) && rep.data.len == 5, "ping returns its payload");
	memset(big, 'b', sizeof(big));
	blob.data = (struct wire_bytes){ big, sizeof(big) };
	ok(call(p, WIRE_OP_echo, &blob, &rep) && rep.data.len == sizeof(big) &&
	   !memcmp(rep.data.p, big, sizeof(big)), "echo returns 100000 bytes");
	blob.data.len = 60000;
	ok(call(p, WIRE_OP_ping, &blob, &rep) && rep.data.len == 60000 &&
	   !memcmp(rep.data.p, big, 60000), "ping returns 60000 bytes, more than one write to a port takes");
	ok(call(p, WIRE_OP_echo, &(struct wire_blob){ str("") }, &rep), "echo returns an empty payload");
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

	ok(pid > 0 && pid == getpid_by(p), "two calls run in one executor, pid %d", (int)pid);
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
	   "read fills an output buffer");
	req.a2 = 17;
	ok(call(p, WIRE_OP_syscall, &req, &rep) &&
	   (rep.ret == -EFAULT || rep.ret == 16),
	   "read does not write past a buffer's end (%d)", (int)rep.ret);
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
	   "a pointer inside a buffer is set to another buffer");
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
	   "a forked child ends, and the test can wait for it");
	req = (struct wire_syscall_req){ .nr = SYS_vfork };
	ok(call(p, WIRE_OP_syscall, &req, &rep) && rep.ret > 0, "vfork returns a child's pid");
	ok(getpid_by(p) == pid, "the executor survives fork and vfork");
}

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
	ok(call(p, WIRE_OP_batch, &req, &rep) && rep.results.nr == 6, "a batch of two rounds of three calls returns six results");
	results = rep.results.items;
	ok(results[3].kind == WIRE_REPLY &&
	   !wire_decode(&wire_desc_syscall_rep, &got, results[3].payload.p,
			results[3].payload.len, &none) &&
	   got.ret == getpid_by(p), "a batch returns a system call's result");
	ok(results[1].kind == WIRE_FAIL && results[2].kind == WIRE_FAIL,
	   "a streaming op and a batch are refused inside a batch");
	req.rounds = ~0u;
	ok(!call(p, WIRE_OP_batch, &req, &rep) && failure(p).reason == WIRE_REASON_BAD,
	   "a batch with too many rounds is refused");
	req = (struct wire_batch_req){ .rounds = 1, .race = 1, .holder = CHAN_NOBODY };
	ok(!call(p, WIRE_OP_batch, &req, &rep) && failure(p).reason == WIRE_REASON_BAD,
	   "a race on a channel without a holder is refused");
}

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
	   "exec returns the exit status");
	ok(!strncmp(buf_str(&p->data), "in\nb c\n/\n", 9), "exec passes stdin, environment and working directory");
	req = (struct wire_exec_req){ .cmd = str("kill -9 $$"), .limit = 100 };
	ok(call(p, WIRE_OP_exec, &req, &rep) && rep.code == 137 && rep.signal == 9,
	   "exec returns the signal that ended the command");
	req.cmd = str("yes");
	ok(call(p, WIRE_OP_exec, &req, &rep) && rep.overflow == 1 &&
	   p->data.len <= 100, "exec kills a command whose output exceeds the limit");
	req.cmd = str("true");
	req.cwd = str("/no/such");
	ok(!call(p, WIRE_OP_exec, &req, &rep) && failure(p).err == ENOENT, "exec with a cwd that does not exist fails: ENOENT");
	req = (struct wire_exec_req){ .cmd = str("sleep 1 & echo x"), .limit = 100 };
	ok(call(p, WIRE_OP_exec, &req, &rep) && !rep.code,
	   "exec does not wait for background processes of the command");
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
	ok(call(p, WIRE_OP_write, &w, &none), "write creates a file");
	w = (struct wire_write_req){ str(path), 6, str("world") };
	ok(call(p, WIRE_OP_write, &w, &none) && call(p, WIRE_OP_read, &r, &rep) &&
	   rep.size == 11 && !strcmp(buf_str(&p->data), "hello world"),
	   "write appends at an offset, and read returns all of it");
	unlink(path);
	ok(!call(p, WIRE_OP_read, &r, &rep) && failure(p).err == ENOENT, "read of a file that does not exist fails: ENOENT");
	r.path = str("/proc/self/status");
	ok(call(p, WIRE_OP_read, &r, &rep) && strstr(buf_str(&p->data), "Pid:"),
	   "read returns a file of /proc, which has no size");
}

static void bad_frames(void)
{
	struct peer *p = peer_greeted();
	uint8_t junk[WIRE_HEADER + 1];	/* a header with byte stuffing */
	int status;

	send_raw(p, 7, WIRE_REQUEST, WIRE_OP_echo, "", 0);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "a request on an unknown channel is refused");
	send_raw(p, WIRE_SUPERVISOR, WIRE_REQUEST, 999, "", 0);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "an unknown op is refused");
	send_raw(p, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_hello, "", 0);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "an op of the supervisor is refused on an executor's channel");
	send_raw(p, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_syscall, "short", 5);
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BAD, "a truncated request is refused");
	ok(getpid_by(p) > 0, "refused requests leave the link usable");
	memset(junk, 0xff, sizeof(junk));
	ok(send(p->conn.fd, junk, sizeof(junk), 0) == sizeof(junk), "17 bytes of 0xff are sent");
	ok(answer(p) == -EPIPE, "a malformed header ends the link");
	ok(peer_end(p, &status), "a malformed header ends the agent");
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
	batches(p);
	commands(p);
	files(p);
	peer_end(p, &status);
	bad_frames();
	return done();
}
