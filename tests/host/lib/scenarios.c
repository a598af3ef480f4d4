// SPDX-License-Identifier: GPL-2.0-only
/* The scenarios of tests/host/agent_killed.c. */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/shared/mailbox.h"
#include "tests/host/lib/round_trip.h"

#define DATA_BYTES 100000

static char file_path[] = "/tmp/provium-killed-XXXXXX";

void scenarios_begin(void)
{
	int fd = mkstemp(file_path);

	if (fd < 0 || ftruncate(fd, DATA_BYTES))
		exit(1);
	close(fd);
}

void scenarios_end(void)
{
	unlink(file_path);
}

/*
 * Returns a request whose executions can be counted: a kill() of this process
 * with EFFECT.
 */
static struct wire_syscall_req effect(void)
{
	return (struct wire_syscall_req){
		.nr = SYS_kill, .a0 = (uint64_t)getpid(), .a1 = (uint64_t)EFFECT,
	};
}

static void send_plain(struct run *r)
{
	struct wire_syscall_req req = effect();

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void send_buffers(struct run *r)
{
	static siginfo_t info;
	struct wire_seg segs[] = {
		{ .arg = 2, .parent = -1, .len = sizeof(info), .out = 1,
		  .data = { &info, sizeof(info) } },
		{ .arg = 3, .parent = -1, .len = 30000, .out = 1 },
	};
	struct wire_syscall_req req = {
		.nr = SYS_rt_sigqueueinfo, .a0 = (uint64_t)getpid(),
		.a1 = (uint64_t)EFFECT, .segs = { segs, 2 },
	};

	info.si_code = SI_QUEUE;
	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void send_stream(struct run *r)
{
	struct wire_path_req req = { str(file_path) };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_read, &req);
}

static void send_pass(struct run *r)
{
	struct wire_syscall_req req = effect();

	request(r, r->channel[0], WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void send_async(struct run *r)
{
	struct wire_syscall_req req = effect();

	request(r, WIRE_EXECUTOR, WIRE_ASYNC, WIRE_OP_syscall, &req);
	request(r, r->channel[0], WIRE_REQUEST, WIRE_OP_syscall, &req);
}

/*
 * Says hello on a new connection, while the executor still reads the old one.
 */
static void send_connect(struct run *r)
{
	struct wire_hello hello = { .fingerprint = wire_fingerprint() };

	peer_connect(r->p);
	request(r, WIRE_SUPERVISOR, WIRE_REQUEST, WIRE_OP_hello, &hello);
}

static void batch(struct run *r, uint32_t channel, struct wire_batch_req req)
{
	struct wire_syscall_req one = effect();
	static uint8_t raw[128];
	struct wire_item items[3] = {
		{ WIRE_OP_syscall, { raw, 0 } }, { WIRE_OP_syscall, { raw, 0 } },
		{ WIRE_OP_syscall, { raw, 0 } },
	};

	for (int i = 0; i < 3; i++)
		items[i].payload.len = (uint32_t)wire_encode(&wire_desc_syscall_req, &one,
							     raw, sizeof(raw));
	req.calls = (struct wire_list){ items, 3 };
	request(r, channel, req.race ? WIRE_ASYNC : WIRE_REQUEST, WIRE_OP_batch, &req);
}

static void send_batch(struct run *r)
{
	batch(r, WIRE_EXECUTOR, (struct wire_batch_req){ .rounds = 1 });
}

static void send_race(struct run *r)
{
	static uint32_t race;

	race++;
	batch(r, r->channel[0], (struct wire_batch_req){
	      .rounds = 1, .race = race, .holder = r->channel[0], .side = 0 });
	batch(r, r->channel[1], (struct wire_batch_req){
	      .rounds = 1, .race = race, .holder = r->channel[0], .side = 1 });
}

static void send_spawn(struct run *r)
{
	struct wire_spawn_req req = { .thread = 0 };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_spawn, &req);
}

static void send_thread(struct run *r)
{
	struct wire_spawn_req req = { .thread = 1 };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_spawn, &req);
}

static void send_job(struct run *r)
{
	struct wire_job_req req = { .cmd = str("sleep 1000") };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_job, &req);
}

static void send_command(struct run *r)
{
	struct wire_exec_req req = { .cmd = str("echo x"), .limit = 100 };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_exec, &req);
}

/*
 * Sends the last byte of the request alone; `last` is what the receive buffer
 * had there before.
 */
static void send_last_byte(struct run *r, uint8_t last)
{
	char text[2] = { (char)last, 0 };
	struct wire_blob req = { { text, 1 } };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_echo, &req);
}

static void send_pattern(struct run *r)
{
	send_last_byte(r, (uint8_t)(0x5b + 37 * 20));
}

static void send_zero(struct run *r)
{
	send_last_byte(r, 0);
}

const struct scenario scenarios[] = {
	{ "plain call", 0, -1, 1, false, .send = send_plain },
	{ "plain call and ping", 0, -1, 1, true, .send = send_plain },
	{ "call with buffers", 0, -1, 1, false, .send = send_buffers },
	{ "streamed reply", 0, -1, 0, false, .send = send_stream },
	{ "streamed reply and ping", 0, -1, 0, true, .send = send_stream },
	{ "pass to a worker, executor killed", 1, -1, 1, false, .send = send_pass },
	{ "pass to a worker, worker killed", 1, 0, 1, false, .send = send_pass },
	{ "asynchronous call, executor killed", 1, -1, 1, false, .send = send_async },
	{ "asynchronous call, worker killed", 1, 0, 1, false, .send = send_async },
	{ "batch", 0, -1, 3, false, .send = send_batch },
	{ "race, first side killed", 2, 0, 3, false, .send = send_race },
	{ "race, second side killed", 2, 1, 3, false, .send = send_race },
	{ "spawn of a process", 0, -1, 0, false, .send = send_spawn, .forks = true },
	{ "spawn of a thread", 0, -1, 0, false, .send = send_thread, .threads = true,
	  .forks = true },
	{ "job", 0, -1, 0, false, .send = send_job, .forks = true },
	{ "spawn of a process, on a port", 0, -1, 0, false, .send = send_spawn, .forks = true,
	  .port = true },
	{ "job, on a port", 0, -1, 0, false, .send = send_job, .forks = true, .port = true },
	{ "command", 0, -1, 0, false, .send = send_command, .forks = true,
	  .reaps = true },
	{ "pass to a thread, its process killed", 1, 0, 1, false, .send = send_pass,
	  .threads = true, .forks = true },
	{ "pass to a thread, thread ended", 1, 0, 1, false, .send = send_pass,
	  .threads = true, .forks = true, .signal = THREAD_END_SIGNAL },
	{ "asynchronous call, thread ended", 1, 0, 1, false, .send = send_async,
	  .threads = true, .forks = true, .signal = THREAD_END_SIGNAL },
	{ "another connection", 0, -1, 0, false, .send = send_connect, .listens = true },
	{ "last byte 0x3f", 0, -1, 0, false, .send = send_pattern },
	{ "last byte 0", 0, -1, 0, false, .send = send_zero },
	{ .name = NULL },
};
