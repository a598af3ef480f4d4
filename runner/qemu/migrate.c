// SPDX-License-Identifier: GPL-2.0-only
/* Moves a guest's state out of one QEMU and into another; see migrate.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/interrupt.h"
#include "runner/qemu/migrate.h"

/* QEMU's name for the descriptor of the state. */
#define STATE_FD "state"
#define READ_BYTES 65536

/*
 * Waits until QMP or fd (fd->fd may be -1) is readable, or QEMU has ended.  0
 * or -errno with err filled.
 */
static int step(struct qmp *q, struct proc *qemu, struct pollfd *fd,
		int64_t deadline_ns, struct err *err)
{
	struct pollfd fds[] = {
		*fd,
		{ q->fd, POLLIN, 0 },
		{ qemu->pidfd, POLLIN, 0 },
		{ interrupt_fd(), POLLIN, 0 },
	};
	int n = poll(fds, 4, deadline_poll_ms(deadline_ns));

	*fd = fds[0];
	if (interrupt_pending())
		return err_set(err, ERR_INTERRUPTED, -EINTR, "interrupted");
	if (!n)
		return err_set(err, ERR_BROKEN, -ETIMEDOUT,
			       "QEMU does not answer in time");
	err->kind = ERR_NONE;
	if (n > 0 && fds[1].revents && qmp_feed(q, err))
		return err->kind ? -EBADMSG :
			err_set(err, ERR_BROKEN, -EPIPE, "QEMU closed its QMP connection");
	if (n > 0 && fds[2].revents)
		return err_set(err, ERR_BROKEN, -EPIPE, "QEMU has exited");
	if (q->refusal.kind)
		*err = q->refusal;
	return q->refusal.kind ? -EIO : 0;
}

static int await_answer(struct qmp *q, struct proc *qemu, int64_t deadline_ns,
			struct err *err)
{
	struct pollfd none = { -1, 0, 0 };
	int ret = 0;

	while (!ret && q->answered != q->sent)
		ret = step(q, qemu, &none, deadline_ns, err);
	return ret;
}

int migrate_command(struct qmp *q, struct proc *qemu, const char *command,
		    json_t *arguments, int64_t deadline_ns, struct err *err)
{
	int ret = qmp_send(q, command, arguments);

	ret = ret ? err_set(err, ERR_BROKEN, ret, "QEMU closed its QMP connection") :
		await_answer(q, qemu, deadline_ns, err);
	if (ret)
		err_context(err, "%s", command);
	return ret;
}

/*
 * Returns the migration capabilities that QEMU is told to use.  memory: the
 * state includes memory that is a shared file.
 */
static json_t *capabilities(bool memory)
{
	return json_pack("{s:[{s:s, s:b}, {s:s, s:b}]}", "capabilities",
			 "capability", "x-ignore-shared", "state", (int)!memory,
			 "capability", "events", "state", 1);
}

static bool is_final(const char *status)
{
	return !strcmp(status, "completed") || !strcmp(status, "failed") ||
	       !strcmp(status, "cancelled");
}

/*
 * Reads the state until its end, and waits until QEMU reports that it is
 * complete.
 */
static int drain(struct qmp *q, struct proc *qemu, int fd, struct buf *state,
		 int64_t deadline_ns, struct err *err)
{
	struct pollfd in = { fd, POLLIN, 0 };
	int ret = 0;

	while (!ret && (in.fd >= 0 || !is_final(q->migration))) {
		ret = step(q, qemu, &in, deadline_ns, err);
		if (!ret && in.fd >= 0 && in.revents) {
			ssize_t n = recv(fd, buf_room(state, READ_BYTES), READ_BYTES, 0);

			if (n > 0)
				state->len += (size_t)n;
			else if (!n || errno != EINTR)
				in.fd = -1;
		}
	}
	if (!ret && strcmp(q->migration, "completed"))
		ret = err_set(err, ERR_BROKEN, -EIO, "QEMU could not save the state: migration %s",
			      q->migration);
	return ret;
}

/* Tells QEMU to write its state to fd. */
static int begin(struct qmp *q, struct proc *qemu, int fd, bool memory,
		 int64_t deadline_ns, struct err *err)
{
	int ret;

	*q->migration = 0;
	ret = migrate_command(q, qemu, "migrate-set-capabilities",
			      capabilities(memory), deadline_ns, err);
	if (!ret) {
		qmp_send_fd(q, "getfd", json_pack("{s:s}", "fdname", STATE_FD),
			    fd);
		ret = await_answer(q, qemu, deadline_ns, err);
	}
	if (!ret)
		ret = migrate_command(q, qemu, "migrate",
				      json_pack("{s:s}", "uri", "fd:" STATE_FD),
				      deadline_ns, err);
	return ret;
}

int migrate_out(struct qmp *q, struct proc *qemu, struct buf *state,
		int64_t deadline_ns, struct err *err)
{
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(err, ERR_BROKEN, -errno, "socketpair: %s",
			       strerror(errno));
	ret = begin(q, qemu, pair[1], false, deadline_ns, err);
	close(pair[1]);
	if (!ret)
		ret = drain(q, qemu, pair[0], state, deadline_ns, err);
	close(pair[0]);
	return ret;
}

/*
 * QEMU reports "completed" a moment before its run state changes, and refuses
 * "cont" until then ("Migration is not finalized yet").  There is no event for
 * the change.
 */
static int await_postmigrate(struct qmp *q, struct proc *qemu,
			     int64_t deadline_ns, struct err *err)
{
	const char *status;
	int ret;

	do {
		ret = migrate_command(q, qemu, "query-status", NULL,
				      deadline_ns, err);
		status = json_string_value(json_object_get(q->answer, "status"));
		if (!ret && clock_ns() > deadline_ns)
			ret = err_set(err, ERR_BROKEN, -ETIMEDOUT,
				      "QEMU did not finish saving the guest's state in time");
	} while (!ret && status && !strcmp(status, "finish-migrate"));
	return ret;
}

int migrate_to_file(struct qmp *q, struct proc *qemu, int fd, int64_t deadline_ns,
		    struct err *err)
{
	int ret = migrate_command(q, qemu, "stop", NULL, deadline_ns, err);

	/* QEMU's default limit of 128 MiB a second is meant for networks. */
	if (!ret)
		ret = migrate_command(q, qemu, "migrate-set-parameters",
				      json_pack("{s:I}", "max-bandwidth",
						(json_int_t)1 << 40),
				      deadline_ns, err);
	if (!ret)
		ret = begin(q, qemu, fd, true, deadline_ns, err);
	if (!ret)
		ret = drain(q, qemu, -1, NULL, deadline_ns, err);
	return ret ? ret : await_postmigrate(q, qemu, deadline_ns, err);
}

int migrate_await(struct qmp *q, struct proc *qemu, int64_t deadline_ns,
		  struct err *err)
{
	struct pollfd none = { -1, 0, 0 };
	int ret = 0;

	while (!ret && !is_final(q->migration))
		ret = step(q, qemu, &none, deadline_ns, err);
	if (!ret && strcmp(q->migration, "completed"))
		ret = err_set(err, ERR_BROKEN, -EIO, "QEMU could not load the state: migration %s",
			      q->migration);
	return ret;
}

/* Opens the same file again, to get a descriptor with its own offset. */
static int reopen(int fd, struct err *err)
{
	char self[40];
	int again;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	again = open(self, O_RDONLY | O_CLOEXEC);
	return again < 0 ? err_set(err, ERR_BROKEN, -errno, "%s: %s", self,
				   strerror(errno)) : again;
}

int migrate_expect(struct qmp *q, int fd, bool memory, struct err *err)
{
	int ret = reopen(fd, err), own = ret;

	if (ret < 0)
		return ret;
	ret = qmp_send(q, "migrate-set-capabilities", capabilities(memory));
	if (!ret)
		ret = qmp_send_fd(q, "getfd",
				  json_pack("{s:s}", "fdname", STATE_FD), own);
	close(own);
	return ret ? err_set(err, ERR_BROKEN, ret, "QEMU closed its QMP connection") : 0;
}

int migrate_in(struct qmp *q, struct err *err)
{
	int ret;

	*q->migration = 0;
	ret = qmp_send(q, "migrate-incoming",
		       json_pack("{s:s}", "uri", "fd:" STATE_FD));
	return ret ? err_set(err, ERR_BROKEN, ret, "QEMU closed its QMP connection") : 0;
}
