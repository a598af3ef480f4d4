// SPDX-License-Identifier: GPL-2.0-only
/* The executor: takes one request after the other and does it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/ops/ops.h"

#define LARGE (1u << 20)

/* One thunk per op: a row without its do_NAME() does not link. */
typedef int (*op_fn)(struct executor *ex, const void *req, void *rep);

#define THUNK_executor(name, req_, rep_)					\
	static int call_##name(struct executor *ex, const void *q, void *p) \
	{								\
		_Static_assert(sizeof(struct wire_##rep_) <=		\
			       MAX_STRUCT, "reply struct");	\
		_Static_assert(sizeof(struct wire_##req_) <=		\
			       MAX_STRUCT, "request struct");	\
		return do_##name(ex, q, p);				\
	}
#define THUNK_supervisor(name, req, rep)
#define OP(num, name, by, req, rep, doc) THUNK_##by(name, req, rep)
WIRE_OPS(OP)
#undef OP

static op_fn handler(unsigned int op)
{
	switch (op) {
#define CASE_executor(num, name) case num: return call_##name;
#define CASE_supervisor(num, name)
#define OP(num, name, by, req, rep, doc) CASE_##by(num, name)
	WIRE_OPS(OP)
#undef OP
	default:
		return NULL;
	}
}

int executor_fail(struct executor *ex, enum wire_reason reason, int err,
		  const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(ex->fail_text, sizeof(ex->fail_text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(ex->fail_text))
		n = (int)strlen(ex->fail_text);
	ex->fail = (struct wire_fail){
		.reason = reason, .err = err,
		.text = { ex->fail_text, (uint32_t)n },
	};
	return -1;
}

void *executor_scratch(struct executor *ex, size_t n)
{
	return wire_arena_take(&ex->arena, n);
}

char *executor_string(struct executor *ex, const struct wire_bytes *b)
{
	char *s = executor_scratch(ex, b->len + 1u);

	if (s) {
		memcpy(s, b->p, b->len);
		s[b->len] = 0;
	}
	return s;
}

/* --- descriptors of an op --- */

/* Between a descriptor and the note of it, no thread of ours is ended. */
static sigset_t no_end(void)
{
	sigset_t end, before;

	sigemptyset(&end);
	sigaddset(&end, THREAD_END_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &end, &before);
	return before;
}

static void hold(struct executor *ex, int fd)
{
	for (size_t i = 0; fd >= 0 && i < HELD_MAX; i++) {
		if (!ex->held[i]) {
			ex->held[i] = fd + 1;
			break;
		}
	}
}

int executor_open(struct executor *ex, const char *path, int flags)
{
	sigset_t before = no_end();
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0644), err = errno;

	hold(ex, fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd < 0 ? -err : fd;
}

int executor_pipe(struct executor *ex, int fds[2])
{
	sigset_t before = no_end();
	int ret = pipe2(fds, O_CLOEXEC) ? -errno : 0;

	if (!ret) {
		hold(ex, fds[0]);
		hold(ex, fds[1]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int executor_pidfd(struct executor *ex, pid_t pid)
{
	sigset_t before = no_end();
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), err = errno;

	hold(ex, fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd < 0 ? -err : fd;
}

int executor_close(struct executor *ex, int *fd)
{
	sigset_t before = no_end();
	int ret = *fd >= 0 && close(*fd) ? -errno : 0;

	for (size_t i = 0; *fd >= 0 && i < HELD_MAX; i++)
		if (ex->held[i] == *fd + 1)
			ex->held[i] = 0;
	*fd = -1;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

/* --- replies --- */

/* Without its descriptors an executor is of no use: the supervisor says so. */
static noreturn void lost_descriptors(struct executor *ex)
{
	uint32_t replying = BOX_REPLYING;

	/* There was no reply, and there is no doubt about it. */
	atomic_compare_exchange_strong(&ex->box->busy, &replying, BOX_BUSY);
	_exit(EXECUTOR_LOST_FDS);
}

void executor_wake_supervisor(struct executor *ex)
{
	uint64_t one = 1;

	if (write(ex->notify_fd, &one, sizeof(one)) != sizeof(one))
		lost_descriptors(ex);
}

/* The supervisor sends what is left of out; a lock that is held goes with it. */
static void hand_over(struct executor *ex, size_t from)
{
	struct mailbox *box = ex->box;

	atomic_store(&box->deferred_from, (uint32_t)from);
	atomic_store(&box->deferred, 1);
	executor_wake_supervisor(ex);
	while (atomic_load(&box->deferred))
		futex_wait(&box->deferred, 1);
}

/* Sends the n bytes of frame in out: small ones in one write of our own. */
static void send_out(struct executor *ex, size_t n)
{
	ssize_t done = 0;

	if (n > LINK_ATOMIC ||
	    ex->generation != atomic_load(&ex->link.state->generation)) {
		hand_over(ex, 0);
		return;
	}
	link_lock(ex->link.state, ex->channel);
	do {
		done = write(ex->link.fd, ex->box->out, n);
	} while (done < 0 && errno == EINTR);
	if (done == (ssize_t)n) {
		link_unlock(ex->link.state);
		return;
	}
	if (done < 0 && errno == EBADF)
		lost_descriptors(ex);
	/* The lock goes to the supervisor with the rest of the frame. */
	hand_over(ex, done > 0 ? (size_t)done : 0);
}

/* Puts a frame into out; its size. */
static size_t make_frame(struct executor *ex, enum wire_kind kind,
			 const struct wire_desc *desc, const void *msg)
{
	struct mailbox *box = ex->box;
	struct wire_header hdr = box->req;
	size_t n = wire_encode(desc, msg, box->out + WIRE_HEADER, WIRE_MAX);

	if (n > WIRE_MAX) {
		executor_fail(ex, WIRE_REASON_BAD, 0,
			      "a reply of %zu bytes; %u is the most", n, WIRE_MAX);
		kind = WIRE_FAIL;
		n = wire_encode(&wire_desc_fail, &ex->fail,
				box->out + WIRE_HEADER, WIRE_MAX);
	}
	hdr.kind = (uint16_t)kind;
	hdr.len = (uint32_t)n;
	wire_put_header(box->out, &hdr);
	return WIRE_HEADER + n;
}

void executor_data(struct executor *ex, uint32_t stream, const void *p, size_t n)
{
	struct wire_data data = { stream, { p, (uint32_t)n } };

	ex->streamed = true;
	if (ex->in_batch)
		return;
	send_out(ex, make_frame(ex, WIRE_DATA, &wire_desc_data, &data));
}

int executor_run(struct executor *ex, unsigned int op, const void *payload,
		 size_t len, void *rep)
{
	uint64_t req[MAX_STRUCT / sizeof(uint64_t)];
	op_fn fn = handler(op);
	int ret;

	if (!fn)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "op %u is not an executor's", op);
	ret = wire_decode(wire_op_by_number(op)->req, req, payload, len, &ex->arena);
	if (ret)
		return executor_fail(ex, WIRE_REASON_BAD, -ret,
				     ret == -ENOMEM ? "too many buffers" :
				     "the request is malformed");
	return fn(ex, req, rep);
}

static void serve(struct executor *ex)
{
	uint64_t rep[MAX_STRUCT / sizeof(uint64_t)] = { 0 };
	struct mailbox *box = ex->box;
	uint32_t replying = BOX_REPLYING;
	size_t n;

	ex->arena.used = 0;
	ex->streamed = false;
	if (executor_run(ex, box->req.op, box->in, box->req.len, rep))
		n = make_frame(ex, WIRE_FAIL, &wire_desc_fail, &ex->fail);
	else
		n = make_frame(ex, WIRE_REPLY,
			       wire_op_by_number(box->req.op)->rep, rep);
	if (box->req.len > LARGE)
		frame_forget(box->in);
	atomic_store(&box->busy, BOX_REPLYING);
	send_out(ex, n);
	/* Unless the next request is there already. */
	atomic_compare_exchange_strong(&box->busy, &replying, BOX_IDLE);
}

/* --- another link --- */

static int copy_descriptor(pid_t pid, int number)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	close(pidfd);
	return fd;
}

/*
 * The runner has connected anew: takes the descriptor from the supervisor.  Who may
 * not (another user, an old kernel) replies by way of the supervisor from now on.
 */
static void follow_link(struct executor *ex)
{
	uint32_t generation = atomic_load(&ex->link.state->generation);
	sigset_t before;
	int fd;

	if (ex->asked_for == generation || atomic_load(&ex->box->filtered))
		return;
	ex->asked_for = generation;
	before = no_end();
	fd = copy_descriptor(atomic_load(&ex->shared->supervisor),
			     atomic_load(&ex->link.state->fd));
	if (fd >= 0 && dup3(fd, ex->link.fd, O_CLOEXEC) >= 0) {
		ex->generation = generation;
		atomic_store(&ex->box->no_role, 0);
	}
	if (fd >= 0)
		close(fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- reading the link itself --- */

/* So that somebody reads on if this call lasts. */
static void arm_supervisor(struct executor *ex)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = TAKE_OVER_NS };

	atomic_fetch_add(&ex->link.state->calls, 1);
	if (!atomic_exchange(&ex->link.state->armed, 1) &&
	    timerfd_settime(ex->timer_fd, 0, &soon, NULL))
		lost_descriptors(ex);
}

static void give_role_back(struct executor *ex)
{
	atomic_store(&ex->link.state->role, LINK_SUPERVISOR);
	executor_wake_supervisor(ex);
}

/*
 * A frame of ours is in the window, where the supervisor may move it.
 * If others are to come before its answer, the supervisor reads on at once.
 */
static void serve_frame(struct executor *ex, const struct wire_header *hdr,
			const uint8_t *payload)
{
	uint32_t in_call = link_in_call(ex->channel);
	struct mailbox *box = ex->box;

	box->req = *hdr;
	memcpy(box->in, payload, hdr->len);
	atomic_store(&box->busy, BOX_BUSY);
	link_drop(&ex->link, hdr);
	if (hdr->kind == WIRE_ASYNC) {
		give_role_back(ex);
	} else {
		atomic_store(&ex->link.state->role, in_call);
		/* All code is translated anew after a resume: as little as can be. */
		if (hdr->op != WIRE_OP_executor_resume)
			arm_supervisor(ex);
	}
	serve(ex);
	if (!atomic_compare_exchange_strong(&ex->link.state->role, &in_call,
					    link_reader(ex->channel)))
		executor_wake_supervisor(ex);	/* it has taken over, and may give back */
}

/*
 * The frame is another executor's: if that one is idle it may as well read it
 * itself, and go on reading.  Should it be dead, the supervisor finds out.
 */
static bool pass_role(struct executor *ex, uint32_t channel)
{
	struct mailbox *box = channel >= 1 && channel <= CHANNELS ?
		&ex->shared->box[channel - 1] : NULL;

	if (!box || channel == ex->channel || atomic_load(&box->life) != LIFE_ON ||
	    atomic_load(&box->busy) != BOX_IDLE || atomic_load(&box->no_role))
		return false;
	atomic_store(&ex->shared->recent, channel);
	atomic_store(&ex->link.state->role, link_reader(channel));
	atomic_fetch_add(&box->doorbell, 1);
	futex_wake(&box->doorbell);
	return true;
}

static void read_link(struct executor *ex)
{
	const struct wire_op_desc *op;
	struct wire_header hdr;
	const uint8_t *payload;
	int ret = link_peek(&ex->link, &hdr, &payload);
	ssize_t n;

	if (!ret) {
		n = link_fill(&ex->link, true);
		if (n <= 0 && n != -EAGAIN) {
			/* Too large a frame, the end, or a test's seccomp. */
			atomic_store(&ex->box->no_role, n != -ENOBUFS);
			give_role_back(ex);
		}
		return;
	}
	op = ret > 0 ? wire_op_by_number(hdr.op) : NULL;
	if (op && !op->supervisor && hdr.channel == ex->channel &&
	    (hdr.kind == WIRE_REQUEST || hdr.kind == WIRE_ASYNC))
		serve_frame(ex, &hdr, payload);
	else if (ret < 0 || !pass_role(ex, hdr.channel))
		give_role_back(ex);
}

void executor_main(struct executor *ex)
{
	struct mailbox *box = ex->box;
	uint32_t done = 0;

	if (!ex->arena.base) {
		ex->arena.base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				      -1, 0);
		ex->arena.size = ex->arena.base == MAP_FAILED ? 0 : ARENA_SIZE;
	}
	for (;;) {
		uint32_t doorbell = atomic_load(&box->doorbell);

		if (ex->generation != atomic_load(&ex->link.state->generation))
			follow_link(ex);
		if (atomic_load(&ex->link.state->role) == link_reader(ex->channel)) {
			read_link(ex);
		} else if (atomic_load(&box->posted) != done) {
			done++;
			serve(ex);
			executor_wake_supervisor(ex);	/* it may give us the role */
		} else {
			futex_wait(&box->doorbell, doorbell);
		}
	}
}
