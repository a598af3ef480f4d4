// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's loop: listens, routes frames, reaps (the books on executors
 * are in roster.c).  It executes nothing for a test, so that nothing a test does to
 * its executor can take the guest or the link down.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ops/ops.h"
#include "agent/supervise.h"

void send_fail(struct supervisor *s, const struct wire_header *req,
	       enum wire_reason reason, const char *text)
{
	struct wire_header hdr = *req;
	struct wire_fail fail = {
		.reason = reason, .text = { text, (uint32_t)strlen(text) },
	};

	hdr.kind = WIRE_FAIL;
	link_send(&s->link, &hdr, &wire_desc_fail, &fail);
}

void send_reply(struct supervisor *s, const struct wire_header *req,
		const void *rep)
{
	struct wire_header hdr = *req;

	hdr.kind = WIRE_REPLY;
	link_send(&s->link, &hdr, wire_op_by_number(req->op)->rep, rep);
}

static void send_ready(struct supervisor *s)
{
	struct wire_header hdr = { .kind = WIRE_READY };
	struct wire_ready ready = {
		.fingerprint = wire_fingerprint(),
		.version = { WIRE_VERSION, sizeof(WIRE_VERSION) - 1 },
	};
	struct utsname uts;

	uname(&uts);
	ready.release = (struct wire_bytes){
		uts.release, (uint32_t)strlen(uts.release),
	};
	link_send(&s->link, &hdr, &wire_desc_ready, &ready);
}

/* The timer: a call that was there at the last tick too lasts; read meanwhile. */
static void tick(struct supervisor *s)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = TAKE_OVER_NS };
	uint32_t calls, role;
	uint64_t count;

	if (read(s->timer_fd, &count, sizeof(count)) < 0)
		return;
	atomic_store(&s->link.state->armed, 0);
	calls = atomic_load(&s->link.state->calls);
	role = atomic_load(&s->link.state->role);
	if (!role || role != link_in_call(role >> 1))
		return;
	if (calls == s->calls_seen &&
	    atomic_compare_exchange_strong(&s->link.state->role, &role,
					   LINK_SUPERVISOR))
		return;
	s->calls_seen = calls;
	atomic_store(&s->link.state->armed, 1);
	timerfd_settime(s->timer_fd, 0, &soon, NULL);
}

static void reap(struct supervisor *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(s->sig_fd, &info, sizeof(info)) < 0 && errno != EAGAIN)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		roster_reaped(s, pid, status);
}

/* --- the supervisor's own ops --- */

/* A hello from a runner with another table ends the link. */
static int op_hello(struct supervisor *s, const struct wire_header *hdr,
		    const struct wire_hello *q)
{
	struct wire_nothing none;

	if (q->fingerprint != wire_fingerprint()) {
		dprintf(2, "provium agent: the runner speaks another protocol (%016llx, mine is %016llx): build both from one tree\n",
			(unsigned long long)q->fingerprint,
			(unsigned long long)wire_fingerprint());
		return -EPROTO;
	}
	s->link.greeted = true;
	send_reply(s, hdr, &none);
	return 0;
}

static int op_ping(struct supervisor *s, const struct wire_header *hdr,
		   const struct wire_blob *q)
{
	if (q->data.len > WIRE_PIECE)
		send_fail(s, hdr, WIRE_REASON_BAD, "ping: too long");
	else
		send_reply(s, hdr, q);
	return 0;
}

static int op_abort(struct supervisor *s, const struct wire_header *hdr,
		    const struct wire_abort_req *q)
{
	static char report[16384];
	struct wire_abort_rep rep;

	report[0] = 0;
	rep.aborted = roster_abort(s, q->channel, q->abandon, report, sizeof(report));
	rep.report = (struct wire_bytes){ report, (uint32_t)strlen(report) };
	send_reply(s, hdr, &rep);
	return 0;
}

static int op_end_worker(struct supervisor *s, const struct wire_header *hdr,
		      const struct wire_channel_req *q)
{
	roster_end_worker(s, hdr, q->channel);
	return 0;
}

static int op_shutdown(struct supervisor *s, const struct wire_header *hdr,
		       const struct wire_nothing *q)
{
	(void)q;
	send_reply(s, hdr, q);
	if (s->config.guest)
		boot_power_off();
	roster_kill_all(s);
	exit(0);
}

static int op_kmsg(struct supervisor *s, const struct wire_header *hdr,
		   const struct wire_kmsg_req *q)
{
	int64_t next = kmsg_send(&s->link, hdr, q->from);
	struct wire_kmsg_rep rep = { .next = (uint64_t)next };
	char text[64];

	if (next < 0) {
		snprintf(text, sizeof(text), "/dev/kmsg: errno %d", (int)-next);
		send_fail(s, hdr, WIRE_REASON_BAD, text);
	} else {
		send_reply(s, hdr, &rep);
	}
	return 0;
}

static int op_quiesce(struct supervisor *s, const struct wire_header *hdr,
		     const struct wire_quiesce_req *q)
{
	static const struct itimerspec off;
	struct wire_quiesce_rep rep;
	pid_t executor;

	/* Nothing shall be due when a copy wakes up. */
	timerfd_settime(s->timer_fd, 0, &off, NULL);
	atomic_store(&s->link.state->armed, 0);
	quiesce_guest(q, &rep, s->random_fd);
	executor = roster_idle_executor(s);
	rep.executor_can_set_clock = executor && resume_executor_can_set_clock(executor);
	/* Else the next frame, a resume's first, is read here. */
	s->held = !rep.executor_can_set_clock;
	send_reply(s, hdr, &rep);
	return 0;
}

static int op_resume(struct supervisor *s, const struct wire_header *hdr,
		      const struct wire_resume_req *q)
{
	struct wire_nothing none;
	int ret = resume_now(q, s->random_fd);

	if (ret)
		send_fail(s, hdr, WIRE_REASON_BAD, strerror(-ret));
	else
		send_reply(s, hdr, &none);
	return 0;
}

/* 0, or -errno when the link is to be dropped. */
static int own_op(struct supervisor *s, const struct wire_header *hdr,
		  const uint8_t *payload)
{
	const struct wire_op_desc *op = wire_op_by_number(hdr->op);
	uint64_t req[32];
	struct wire_arena none = { 0 };

	if (!op || !op->supervisor || op->req->size > sizeof(req) ||
	    wire_decode(op->req, req, payload, hdr->len, &none)) {
		send_fail(s, hdr, WIRE_REASON_BAD,
			  "not a request to the supervisor");
		return 0;
	}
	switch ((unsigned int)op->op) {
#define CALL_supervisor(num, name) case num: return op_##name(s, hdr, (const void *)req);
#define CALL_executor(num, name)
#define OP(num, name, by, q, p, doc) CALL_##by(num, name)
	WIRE_OPS(OP)
#undef OP
	}
	return 0;
}

/* --- the loop --- */

static int route(struct supervisor *s, const struct wire_header *hdr,
		 const uint8_t *payload)
{
	if ((hdr->kind != WIRE_REQUEST && hdr->kind != WIRE_ASYNC) ||
	    (!s->link.greeted && hdr->op != WIRE_OP_hello))
		return -EPROTO;
	s->held = false;
	if (hdr->channel == WIRE_SUPERVISOR)
		return own_op(s, hdr, payload);
	roster_post(s, hdr, payload);
	return 0;
}

static noreturn void leave(struct supervisor *s, int status)
{
	roster_kill_all(s);
	exit(status);
}

static void lose_link(struct supervisor *s, const char *why)
{
	dprintf(2, "provium agent: link dropped: %s\n", why);
	if (!s->config.guest && s->config.listen_fd < 0)
		leave(s, 1);
	/* Executors have copies: it is not over just because we close ours. */
	shutdown(s->link.fd, SHUT_RDWR);
	link_detach(&s->link);
}

/* Deals with the frames that are there. */
static void take_frames(struct supervisor *s)
{
	struct wire_header hdr;
	const uint8_t *payload;
	int ret = 0;

	while (s->link.fd >= 0 && !ret &&
	       (ret = link_peek(&s->link, &hdr, &payload)) > 0) {
		ret = route(s, &hdr, payload);
		link_drop(&s->link, &hdr);
	}
	if (ret < 0)
		lose_link(s, ret == -EPROTO ? "no proper hello" : "malformed frame");
}

static void serve_link(struct supervisor *s)
{
	ssize_t n = link_fill(&s->link, false);

	if (n > 0 || n == -EAGAIN)
		return;
	if (!n && !s->config.guest && s->config.listen_fd < 0)
		leave(s, 0);
	lose_link(s, n ? strerror((int)-n) : "the runner hung up");
}

static bool is_reader(uint32_t role)
{
	return role && role == link_reader(role >> 1);
}

/* A new link; the old one's reader, if it is an executor, has to let go first. */
static void accept_link(struct supervisor *s)
{
	int fd = accept4(s->config.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		fd = fd_out_of_the_way(fd);
	if (fd < 0)
		return;
	if (s->next_fd >= 0)
		close(s->next_fd);
	s->next_fd = fd;
	if (s->link.fd >= 0)
		shutdown(s->link.fd, SHUT_RDWR);
}

static void attach_next(struct supervisor *s)
{
	if (s->next_fd < 0 || is_reader(atomic_load(&s->link.state->role)))
		return;
	atomic_store(&s->link.state->role, LINK_SUPERVISOR);
	link_attach(&s->link, s->next_fd);
	s->next_fd = -1;
	send_ready(s);
	if (atomic_load(&s->shared->box[0].life) == LIFE_NONE)
		roster_start_executor(s);
	roster_new_link(s);
}

static int set_up(struct supervisor *s, const struct supervisor_config *config)
{
	sigset_t chld;

	s->config = *config;
	s->next_fd = -1;
	if (link_init(&s->link))
		return -ENOMEM;
	if (roster_init(s))
		return -ENOMEM;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	s->sig_fd = fd_out_of_the_way(signalfd(-1, &chld, SFD_NONBLOCK));
	s->notify_fd = fd_out_of_the_way(eventfd(0, EFD_NONBLOCK));
	s->timer_fd = fd_out_of_the_way(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	s->random_fd = resume_open_random();
	if (s->config.listen_fd >= 0)
		s->config.listen_fd = fd_out_of_the_way(s->config.listen_fd);
	if (config->link_fd >= 0) {
		link_attach(&s->link, fd_out_of_the_way(config->link_fd));
		send_ready(s);
	}
	if (s->sig_fd < 0 || s->notify_fd < 0 || s->timer_fd < 0)
		return -EMFILE;
	return 0;
}

noreturn void supervise(const struct supervisor_config *config)
{
	static struct supervisor s;
	int ret = set_up(&s, config);
	uint64_t count;

	if (ret) {
		dprintf(2, "provium agent: %s\n", strerror(-ret));
		exit(1);
	}
	if (s.link.fd >= 0)
		roster_start_executor(&s);	/* while the runner reads our ready */
	for (;;) {
		bool reads = atomic_load(&s.link.state->role) == LINK_SUPERVISOR;
		struct pollfd fds[] = {
			{ reads ? s.link.fd : -1, POLLIN, 0 },
			{ s.sig_fd, POLLIN, 0 },
			{ s.notify_fd, POLLIN, 0 },
			{ s.timer_fd, POLLIN, 0 },
			{ s.config.listen_fd, POLLIN, 0 },
		};

		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			continue;
		if (fds[2].revents &&
		    read(s.notify_fd, &count, sizeof(count)) > 0)
			roster_send_deferred(&s);
		if (fds[1].revents)
			reap(&s);
		roster_watch_threads(&s);
		if (fds[3].revents)
			tick(&s);
		if (fds[0].revents)
			serve_link(&s);
		if (fds[4].revents)
			accept_link(&s);
		attach_next(&s);
		if (atomic_load(&s.link.state->role) == LINK_SUPERVISOR)
			take_frames(&s);
		roster_give_role(&s);
	}
}
