// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's end of a link to an agent that runs as a process of this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "tests/host/lib/agent_peer.h"
#include "tests/host/lib/tap.h"

/* Time limit for an answer, in seconds; only a failure takes that long. */
#define LIMIT_S 20.0

/*
 * Starts an agent with the given option and the number of the descriptor, which
 * the agent inherits.
 */
static struct peer *start(const char *option, int fd)
{
	struct peer *p = xcalloc(1, sizeof(*p));
	const char *agent = getenv("PROVIUM_AGENT");
	char number[16];

	p->executor = WIRE_EXECUTOR;
	p->listener = -1;
	conn_init(&p->conn);
	p->pid = fork();
	if (!p->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fcntl(fd, F_SETFD, 0);
		snprintf(number, sizeof(number), "%d", fd);
		/*
		 * With SAN=1, too, SIGSEGV must end the agent: no handler of
		 * ASan may catch it.
		 */
		setenv("ASAN_OPTIONS", "handle_segv=0", 1);
		execl(agent ? agent : "out/bin/agent", "agent", option, number, (char *)NULL);
		perror("agent");
		_exit(127);
	}
	if (p->pid < 0)
		exit(1);
	return p;
}

struct peer *peer_start(void)
{
	struct peer *p;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		exit(1);
	p = start("--fd", fds[1]);
	close(fds[1]);
	conn_open(&p->conn, fds[0]);
	return p;
}

/* Passes bytes between the two descriptors until one of them ends. */
static noreturn void relay(int a, int b)
{
	struct pollfd fds[] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
	uint8_t bytes[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		poll(fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			ssize_t n = fds[i].revents ? read(fds[i].fd, bytes, sizeof(bytes)) : 0;

			if (fds[i].revents && (n <= 0 || write(fds[!i].fd, bytes, (size_t)n) != n))
				_exit(0);
		}
	}
}

struct peer *peer_on_port(void)
{
	struct termios raw;
	struct peer *p;
	int fds[2], master, slave;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) ||
	    openpty(&master, &slave, NULL, NULL, NULL) || tcgetattr(slave, &raw))
		exit(1);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	fcntl(slave, F_SETFD, FD_CLOEXEC);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	p = start("--fd", slave);
	close(slave);
	p->relay = fork();
	if (!p->relay) {
		close(fds[0]);
		relay(fds[1], master);
	}
	close(master);
	close(fds[1]);
	conn_open(&p->conn, fds[0]);
	return p;
}

struct peer *peer_listening(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct peer *p;

	/* An address without a path: the kernel chooses an abstract one. */
	if (bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)) || listen(fd, 8))
		exit(1);
	p = start("--listen", fd);
	p->listener = fd;
	return p;
}

void peer_connect(struct peer *p)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	socklen_t n = sizeof(address);

	conn_release(&p->conn);
	conn_init(&p->conn);
	if (getsockname(p->listener, (struct sockaddr *)&address, &n) ||
	    connect(fd, (struct sockaddr *)&address, n))
		exit(1);
	conn_open(&p->conn, fd);
}

int next_frame_until(struct peer *p, int64_t deadline)
{
	const uint8_t *payload;
	struct err err;
	int ret;

	while (!(ret = conn_peek(&p->conn, &p->hdr, &payload, &err))) {
		struct pollfd pfd = { p->conn.fd, POLLIN, 0 };

		if (conn_wants_out(&p->conn))
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, deadline_poll_ms(deadline)) <= 0 && clock_ns() >= deadline)
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

int next_frame(struct peer *p)
{
	return next_frame_until(p, deadline_in(LIMIT_S));
}

void send_raw(struct peer *p, uint32_t channel, enum wire_kind kind, unsigned int op,
	      const void *payload, size_t n)
{
	struct wire_header hdr = {
		.len = (uint32_t)n, .tag = ++p->tag, .channel = channel,
		.op = (uint16_t)op, .kind = (uint16_t)kind,
	};

	conn_send(&p->conn, &hdr, payload);
}

void send_to(struct peer *p, uint32_t channel, enum wire_kind kind, enum wire_op nr,
	     const void *req)
{
	const struct wire_desc *desc = wire_op_by_number(nr)->req;
	size_t n = wire_encode(desc, req, NULL, 0);
	uint8_t *raw = malloc(n + 1);

	wire_encode(desc, req, raw, n);
	send_raw(p, channel, kind, nr, raw, n);
	free(raw);
}

void send_op(struct peer *p, enum wire_op nr, const void *req)
{
	bool supervisor = wire_op_by_number(nr)->supervisor;

	send_to(p, supervisor ? WIRE_SUPERVISOR : p->executor, WIRE_REQUEST, nr, req);
}

int answer(struct peer *p)
{
	int ret;

	p->data.len = 0;
	while (!(ret = next_frame(p))) {
		struct wire_arena none = { 0 };
		struct wire_data data;

		if (p->hdr.tag != p->tag)
			/* A late answer to a request that was given up. */
			continue;
		if (p->hdr.kind != WIRE_DATA)
			break;
		if (wire_decode(&wire_desc_data, &data, p->payload,
				p->hdr.len, &none))
			return -EBADMSG;
		buf_add(&p->data, data.data.p, data.data.len);
	}
	return ret;
}

bool call(struct peer *p, enum wire_op nr, const void *req, void *rep)
{
	static uint8_t scratch[1 << 16];
	struct wire_arena arena = { scratch, sizeof(scratch), 0 };

	send_op(p, nr, req);
	return !answer(p) && p->hdr.kind == WIRE_REPLY &&
	       !wire_decode(wire_op_by_number(nr)->rep, rep, p->payload,
			    p->hdr.len, &arena);
}

struct wire_fail failure(struct peer *p)
{
	struct wire_arena none = { 0 };
	struct wire_fail fail = { 0 };

	if (p->hdr.kind == WIRE_FAIL)
		wire_decode(&wire_desc_fail, &fail, p->payload, p->hdr.len, &none);
	return fail;
}

bool text_has(const struct wire_bytes *b, const char *s)
{
	return memmem(b->p, b->len, s, strlen(s));
}

void peer_greet(struct peer *p)
{
	struct wire_hello hello = { .fingerprint = wire_fingerprint() };
	struct wire_nothing none;

	if (next_frame(p) || p->hdr.kind != WIRE_READY ||
	    !call(p, WIRE_OP_hello, &hello, &none))
		ok(false, "the agent says ready and takes our hello");
}

struct peer *peer_greeted(void)
{
	struct peer *p = peer_start();

	peer_greet(p);
	return p;
}

void signal_to(int64_t pid, int sig)
{
	if (pid > 1)
		kill((pid_t)pid, sig);
}

bool peer_end(struct peer *p, int *status)
{
	int64_t deadline = deadline_in(LIMIT_S);
	struct pollfd end = { (int)syscall(SYS_pidfd_open, p->pid, 0), POLLIN, 0 };
	bool ended;

	conn_release(&p->conn);
	ended = poll(&end, 1, deadline_poll_ms(deadline)) == 1;
	if (!ended)
		signal_to(p->pid, SIGKILL);
	waitpid(p->pid, status, 0);
	close(end.fd);
	if (p->relay > 0)
		waitpid(p->relay, NULL, 0);
	if (p->listener >= 0)
		close(p->listener);
	buf_release(&p->data);
	free(p);
	return ended;
}

struct wire_bytes str(const char *s)
{
	return (struct wire_bytes){ s, (uint32_t)strlen(s) };
}

bool await_end(int64_t pid)
{
	int64_t deadline = deadline_in(LIMIT_S);

	while (pid > 1 && !kill((pid_t)pid, 0) && clock_ns() < deadline)
		poll(NULL, 0, 1);
	return pid > 1 && kill((pid_t)pid, 0);
}

/* proc(5): the pids of a thread's children, each followed by a blank. */
unsigned int count_children(pid_t pid)
{
	unsigned int n = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	for (int c; f && (c = getc(f)) != EOF;)
		n += c == ' ';
	if (f)
		fclose(f);
	return n;
}

bool await_children(pid_t pid, unsigned int n)
{
	int64_t deadline = deadline_in(LIMIT_S);

	while (count_children(pid) > n && clock_ns() < deadline)
		poll(NULL, 0, 1);
	return count_children(pid) <= n;
}

int64_t ask(struct peer *p, int64_t nr)
{
	struct wire_syscall_req req = { .nr = nr };
	struct wire_syscall_rep rep;

	return call(p, WIRE_OP_syscall, &req, &rep) ? rep.ret : -1;
}

int64_t getpid_by(struct peer *p)
{
	return ask(p, SYS_getpid);
}
