// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor: listens, routes frames, reaps, and keeps the books on
 * executors.  It executes nothing for a test, so that nothing a test does to
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

#include "agent/ops.h"

struct supervisor {
	struct supervisor_config config;
	struct link link;
	int sig_fd;			/* SIGCHLD */
	int notify_fd;			/* an executor wants something */
	int timer_fd;			/* a call has begun a while ago */
	uint32_t calls_seen;		/* link.shared->calls at the last tick */
	int next_fd;			/* a link to attach when the role is back */
	struct mailbox *box;		/* of the one executor there is */
	pid_t pid;			/* of that executor, or 0 */
	char epitaph[256];		/* how the last one died, if nobody knows yet */
};

static void send_fail(struct supervisor *s, const struct wire_header *req,
		      enum wire_why why, const char *text)
{
	struct wire_header hdr = *req;
	struct wire_fail fail = {
		.why = why, .text = { text, (uint32_t)strlen(text) },
	};

	hdr.kind = WIRE_FAIL;
	link_send(&s->link, &hdr, &wire_desc_fail, &fail);
}

static void send_reply(struct supervisor *s, const struct wire_header *req,
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

/* --- executors --- */

static int open_or_null(const char *path, int flags)
{
	int fd = open(path, flags | O_NOCTTY);

	return fd >= 0 ? fd : open("/dev/null", flags);
}

/* Descriptors 0, 1, 2 are what a test may expect; the rest is out of the way. */
static void child_descriptors(struct supervisor *s)
{
	int in = open_or_null("/dev/null", O_RDONLY);
	int out = open_or_null(s->config.guest ? "/dev/console" : "/dev/null",
			       O_WRONLY);

	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (in > 2)
		close(in);
	if (out > 2)
		close(out);
	close(s->sig_fd);
	if (s->next_fd >= 0)
		close(s->next_fd);
	if (s->config.listen_fd >= 0)
		close(s->config.listen_fd);
}

static noreturn void child(struct supervisor *s, pid_t parent)
{
	struct executor ex = {
		.chan = WIRE_EXECUTOR,
		.link = s->link,
		.generation = atomic_load(&s->link.shared->generation),
		.notify_fd = s->notify_fd,
		.timer_fd = s->timer_fd,
		.box = s->box,
	};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	child_descriptors(s);
	executor_main(&ex);
}

static int executor_start(struct supervisor *s)
{
	pid_t parent = getpid(), pid;

	atomic_store(&s->box->posted, 0);
	atomic_store(&s->box->no_role, s->link.fd < 0);
	atomic_store(&s->box->busy, BOX_IDLE);
	atomic_store(&s->box->handed, 0);
	atomic_store(&s->box->command, 0);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child(s, parent);
	s->pid = pid;
	return 0;
}

/* Who reads: an idle executor, whenever it can. */
static void give_role(struct supervisor *s)
{
	struct mailbox *box = s->box;

	if (atomic_load(&s->link.shared->role) != LINK_SUPERVISOR || !s->pid ||
	    s->link.fd < 0 || !s->link.greeted || atomic_load(&box->no_role) ||
	    atomic_load(&box->busy) != BOX_IDLE || !link_make_clean(&s->link))
		return;
	atomic_store(&s->link.shared->role, LINK_EXECUTOR);
	atomic_fetch_add(&box->kick, 1);
	futex_wake(&box->kick);
}

/* The timer: a call that was there at the last tick too lasts; read meanwhile. */
static void tick(struct supervisor *s)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = TAKE_OVER_NS };
	uint32_t in_call = LINK_IN_CALL, calls;
	uint64_t count;

	if (read(s->timer_fd, &count, sizeof(count)) < 0)
		return;
	atomic_store(&s->link.shared->armed, 0);
	calls = atomic_load(&s->link.shared->calls);
	if (atomic_load(&s->link.shared->role) != LINK_IN_CALL)
		return;
	if (calls == s->calls_seen &&
	    atomic_compare_exchange_strong(&s->link.shared->role, &in_call,
					   LINK_SUPERVISOR))
		return;
	s->calls_seen = calls;
	atomic_store(&s->link.shared->armed, 1);
	timerfd_settime(s->timer_fd, 0, &soon, NULL);
}

/* Sends what an executor has handed over, and gives it its mailbox back. */
static void finish_handed(struct supervisor *s)
{
	struct mailbox *box = s->box;
	uint32_t from = atomic_load(&box->handed_from);
	struct wire_header hdr;

	if (!atomic_load(&box->handed))
		return;
	/* A frame that was begun holds the lock already. */
	if (atomic_load(&s->link.shared->owner) != WIRE_EXECUTOR + 1)
		link_lock(s->link.shared, WIRE_EXECUTOR);
	if (!wire_get_header(box->out, &hdr) &&
	    from <= WIRE_HEADER + hdr.len && s->link.fd >= 0)
		link_write(s->link.fd, box->out + from,
			   WIRE_HEADER + hdr.len - from);
	link_unlock(s->link.shared);
	madvise(box->out, sizeof(box->out), MADV_REMOVE);
	atomic_store(&box->handed, 0);
	futex_wake(&box->handed);
}

static void how_it_died(struct supervisor *s, int status)
{
	int n = snprintf(s->epitaph, sizeof(s->epitaph), "the executor (pid %d) ",
			 s->pid);
	char *at = s->epitaph + n;
	size_t left = sizeof(s->epitaph) - (size_t)n;

	if (WIFSIGNALED(status))
		snprintf(at, left, "was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == EXECUTOR_LOST_FDS)
		snprintf(at, left, "ended: its own descriptors (%d and up) were closed",
			 AGENT_FD_BASE);
	else
		snprintf(at, left, "exited with status %d", WEXITSTATUS(status));
}

/* Tells the call in flight, or the next one, that there was a death. */
static void report_death(struct supervisor *s, const struct wire_header *req)
{
	const struct wire_op_desc *op = wire_op_by_number(req->op);
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s; its descriptors are gone; the next call gets a new executor",
		 s->epitaph,
		 atomic_load(&s->box->busy) ? "during" : "before this",
		 op ? op->name : "op");
	send_fail(s, req, WIRE_WHY_GONE, text);
	/*
	 * Who died while replying may have replied: then this answer is dropped,
	 * and the next call has to be told.
	 */
	if (atomic_load(&s->box->busy) != BOX_REPLYING)
		s->epitaph[0] = 0;
}

static void executor_died(struct supervisor *s, int status)
{
	struct mailbox *box = s->box;
	pid_t command = atomic_load(&box->command);
	/* What was handed over while replying is the reply, and is sent here. */
	bool replied = atomic_load(&box->handed) &&
		       atomic_load(&box->busy) == BOX_REPLYING;

	finish_handed(s);
	if (atomic_exchange(&s->link.shared->role, LINK_SUPERVISOR) != LINK_SUPERVISOR)
		link_recover(&s->link);
	/* It may have died just before it set the timer, or unable to. */
	atomic_store(&s->link.shared->armed, 0);
	if (atomic_load(&s->link.shared->owner) == WIRE_EXECUTOR + 1)
		link_unlock(s->link.shared);
	if (command > 1)
		kill(-command, SIGKILL);
	how_it_died(s, status);
	s->pid = 0;
	if (atomic_load(&box->busy) != BOX_IDLE && !replied)
		report_death(s, &box->req);
	atomic_store(&box->busy, BOX_IDLE);
}

static void reap(struct supervisor *s)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(s->sig_fd, &info, sizeof(info)) < 0 && errno != EAGAIN)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != s->pid)
			continue;
		/* A stopped one would keep the link from being read. */
		if (WIFSTOPPED(status))
			kill(pid, SIGKILL);
		else
			executor_died(s, status);
	}
}

static void to_executor(struct supervisor *s, const struct wire_header *hdr,
			const uint8_t *payload)
{
	struct mailbox *box = s->box;

	if (s->pid && atomic_load(&box->busy) == BOX_BUSY) {
		send_fail(s, hdr, WIRE_WHY_BUSY,
			  "the executor is still busy with an earlier call");
		return;
	}
	if (!s->pid && s->epitaph[0]) {
		report_death(s, hdr);
		return;
	}
	if (!s->pid && executor_start(s)) {
		send_fail(s, hdr, WIRE_WHY_GONE, "no executor: fork failed");
		return;
	}
	box->req = *hdr;
	memcpy(box->in, payload, hdr->len);
	atomic_store(&box->busy, BOX_BUSY);
	atomic_fetch_add(&box->posted, 1);
	atomic_fetch_add(&box->kick, 1);
	futex_wake(&box->kick);
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
		send_fail(s, hdr, WIRE_WHY_BAD, "ping: too long");
	else
		send_reply(s, hdr, q);
	return 0;
}

static void append_file(char *buf, size_t cap, pid_t pid, const char *name)
{
	size_t used = strlen(buf);
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || used + 64 > cap)
		return;
	used += (size_t)snprintf(buf + used, cap - used, "%s: ", name);
	n = read(fd, buf + used, cap - used - 2);
	close(fd);
	used += n > 0 ? (size_t)n : 0;
	if (used && buf[used - 1] != '\n')
		buf[used++] = '\n';
	buf[used] = 0;
}

/* Ends the executor's call: its command if it runs one, else itself. */
static int op_abort(struct supervisor *s, const struct wire_header *hdr,
		    const struct wire_abort_req *q)
{
	static char report[8192];
	struct wire_abort_rep rep = { .what = WIRE_ABORTED_NOTHING };
	pid_t command = atomic_load(&s->box->command), victim;

	report[0] = 0;
	if (q->chan == WIRE_EXECUTOR && s->pid &&
	    atomic_load(&s->box->busy) == BOX_BUSY) {
		victim = command > 1 ? command : s->pid;
		append_file(report, sizeof(report), victim, "wchan");
		append_file(report, sizeof(report), victim, "syscall");
		append_file(report, sizeof(report), victim, "stack");
		rep.what = command > 1 ? WIRE_ABORTED_COMMAND :
					 WIRE_ABORTED_EXECUTOR;
		kill(command > 1 ? -command : s->pid, SIGKILL);
	}
	rep.report = (struct wire_bytes){ report, (uint32_t)strlen(report) };
	send_reply(s, hdr, &rep);
	return 0;
}

static int op_shutdown(struct supervisor *s, const struct wire_header *hdr,
		       const struct wire_nothing *q)
{
	(void)q;
	send_reply(s, hdr, q);
	if (s->config.guest)
		boot_power_off();
	if (s->pid)
		kill(s->pid, SIGKILL);
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
		send_fail(s, hdr, WIRE_WHY_BAD, text);
	} else {
		send_reply(s, hdr, &rep);
	}
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
		send_fail(s, hdr, WIRE_WHY_BAD,
			  "not a request to the supervisor");
		return 0;
	}
	switch ((unsigned int)op->op) {
#define CALL_sup(num, name) case num: return op_##name(s, hdr, (const void *)req);
#define CALL_exe(num, name)
#define OP(num, name, who, q, p, doc) CALL_##who(num, name)
	WIRE_OPS(OP)
#undef OP
	}
	return 0;
}

/* --- the loop --- */

static int route(struct supervisor *s, const struct wire_header *hdr,
		 const uint8_t *payload)
{
	if (hdr->kind != WIRE_REQUEST ||
	    (!s->link.greeted && hdr->op != WIRE_OP_hello))
		return -EPROTO;
	if (hdr->chan == WIRE_SUPERVISOR)
		return own_op(s, hdr, payload);
	if (hdr->chan == WIRE_EXECUTOR)
		to_executor(s, hdr, payload);
	else
		send_fail(s, hdr, WIRE_WHY_BAD, "no such channel");
	return 0;
}

static void lose_link(struct supervisor *s, const char *why)
{
	dprintf(2, "provium agent: link dropped: %s\n", why);
	if (!s->config.guest && s->config.listen_fd < 0)
		exit(1);
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
		exit(0);
	lose_link(s, n ? strerror((int)-n) : "the runner hung up");
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
	if (s->next_fd < 0 ||
	    atomic_load(&s->link.shared->role) == LINK_EXECUTOR)
		return;
	atomic_store(&s->link.shared->role, LINK_SUPERVISOR);
	link_attach(&s->link, s->next_fd);
	s->next_fd = -1;
	send_ready(s);
	if (!s->pid)
		executor_start(s);
}

static int set_up(struct supervisor *s, const struct supervisor_config *config)
{
	sigset_t chld;

	s->config = *config;
	s->next_fd = -1;
	if (link_init(&s->link))
		return -ENOMEM;
	s->box = shared_map(sizeof(*s->box));
	if (!s->box)
		return -ENOMEM;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	s->sig_fd = fd_out_of_the_way(signalfd(-1, &chld, SFD_NONBLOCK));
	s->notify_fd = fd_out_of_the_way(eventfd(0, EFD_NONBLOCK));
	s->timer_fd = fd_out_of_the_way(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
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
		executor_start(&s);	/* while the runner reads our ready */
	for (;;) {
		bool reads = atomic_load(&s.link.shared->role) == LINK_SUPERVISOR;
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
			finish_handed(&s);
		if (fds[1].revents)
			reap(&s);
		if (fds[3].revents)
			tick(&s);
		if (fds[0].revents)
			serve_link(&s);
		if (fds[4].revents)
			accept_link(&s);
		attach_next(&s);
		if (atomic_load(&s.link.shared->role) == LINK_SUPERVISOR)
			take_frames(&s);
		give_role(&s);
	}
}
