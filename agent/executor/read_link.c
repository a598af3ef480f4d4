// SPDX-License-Identifier: GPL-2.0-only
/* An idle executor reads the link itself: see agent/shared/link.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/executor/answer.h"
#include "agent/executor/op_fd.h"
#include "agent/executor/read_link.h"
#include "agent/executor/serve.h"

/* --- following the runner to a new link --- */

/*
 * Returns a copy of that process's descriptor `number`, or a negative number.
 */
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
 * To be called after the runner has connected again: copies the new descriptor
 * from the supervisor.  An executor without permission for that (of another
 * user, or on a kernel without pidfd_getfd) lets the supervisor send its
 * replies from now on.
 */
void executor_follow_link(struct executor *ex)
{
	uint32_t generation = atomic_load(&ex->link.state->generation);
	sigset_t before;
	int fd;

	if (ex->generation == generation || ex->asked_for == generation ||
	    atomic_load(&ex->box->filtered))
		return;
	ex->asked_for = generation;
	before = executor_block_end();
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

/*
 * Starts the timer after which the supervisor reads the link in place of this
 * executor, in case the call takes long.
 */
static void arm_supervisor(struct executor *ex)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = LINK_TAKE_OVER_NS };

	atomic_fetch_add(&ex->link.state->calls, 1);
	if (!atomic_exchange(&ex->link.state->armed, 1) &&
	    timerfd_settime(ex->timer_fd, 0, &soon, NULL))
		executor_lost_fds(ex);
}

static void give_role_back(struct executor *ex)
{
	atomic_store(&ex->link.state->role, LINK_SUPERVISOR);
	executor_wake_supervisor(ex);
}

/*
 * Carries out a frame for this executor.  Copies the payload first, because the
 * supervisor moves the bytes in the receive buffer once it has the role of
 * reading.  If the runner says that other frames follow before the answer, the
 * supervisor reads those at once.
 */
static void serve_frame(struct executor *ex, const struct wire_header *hdr)
{
	uint32_t in_call = link_in_call(ex->channel);
	struct mailbox *box = ex->box;

	box->req = *hdr;
	link_payload(&ex->link, box->in, hdr->len);
	atomic_store(&box->busy, BOX_BUSY);
	link_drop(&ex->link, hdr);
	if (hdr->kind == WIRE_ASYNC) {
		give_role_back(ex);
	} else {
		atomic_store(&ex->link.state->role, in_call);
		/*
		 * After a resume all code is slow under TCG, so the timer is
		 * not used.
		 */
		if (hdr->op != WIRE_OP_executor_resume)
			arm_supervisor(ex);
	}
	executor_serve(ex);
	if (!atomic_compare_exchange_strong(&ex->link.state->role, &in_call,
					    link_reader(ex->channel)))
		/*
		 * The supervisor took the role of reading during the call, and
		 * can now give it back.
		 */
		executor_wake_supervisor(ex);
}

/*
 * Passes the role of reading to the executor of that channel if it is idle;
 * that executor then reads the frame itself.  Returns false if the supervisor
 * has to handle the frame.
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
	mailbox_ring(box);
	/*
	 * The executor to which the role was passed may have died before it got
	 * it; then the supervisor takes the role back.
	 */
	if (atomic_load(&box->life) != LIFE_ON)
		executor_wake_supervisor(ex);
	return true;
}

void executor_read_link(struct executor *ex)
{
	const struct wire_op_desc *op;
	struct wire_header hdr;
	int ret = link_peek(&ex->link, &hdr);
	ssize_t n;

	if (!ret) {
		n = link_fill(&ex->link, true);
		if (n <= 0 && n != -EAGAIN) {
			/*
			 * The frame is too large, the link has ended, or a
			 * test's seccomp filter refused the read.
			 */
			atomic_store(&ex->box->no_role, n != -ENOBUFS);
			give_role_back(ex);
		}
		return;
	}
	op = ret > 0 ? wire_op_by_number(hdr.op) : NULL;
	if (op && !op->supervisor && hdr.channel == ex->channel &&
	    (hdr.kind == WIRE_REQUEST || hdr.kind == WIRE_ASYNC))
		serve_frame(ex, &hdr);
	else if (ret < 0 || !pass_role(ex, hdr.channel))
		give_role_back(ex);
}
