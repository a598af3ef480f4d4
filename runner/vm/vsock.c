// SPDX-License-Identifier: GPL-2.0-only
/* vsock to a guest; see vsock.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/vm/vsock.h"

#define DEVICE "/dev/vhost-vsock"
/*
 * The pause between a refusal and the next attempt.  A boot needs hundreds of
 * attempts.
 */
#define RETRY_NS 2000000
/* The longest time limit of one attempt. */
#define LIMIT_MAX_NS 600000000
/* CIDs 0 to 2 are the hypervisor, loopback and the host (vsock(7)). */
#define CID_FIRST 3u
#define CID_LAST 0x7fffffffu
#define CID_ATTEMPTS 1000

void vsock_init(struct vsock *v)
{
	*v = (struct vsock){ .vhost_fd = -1, .fd = -1 };
}

/* --- the CID, the address of a guest --- */

static int open_device(struct err *err)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return err_set(err, ERR_BROKEN, -errno,
		       errno == ENOENT ? "no " DEVICE : DEVICE ": %s",
		       strerror(errno));
}

/* Tries random CIDs: EADDRINUSE means that another VM uses this one. */
static int set_free_cid(int fd, uint32_t *cid)
{
	for (int i = 0; i < CID_ATTEMPTS; i++) {
		uint32_t word;
		uint64_t wanted;

		if (getrandom(&word, sizeof(word), 0) != sizeof(word))
			return -errno;
		wanted = CID_FIRST + word % (CID_LAST - CID_FIRST);
		if (!ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &wanted)) {
			*cid = (uint32_t)wanted;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

int vsock_take_cid(struct vsock *v, struct err *err)
{
	int fd = open_device(err), ret;

	if (fd < 0)
		return fd;
	ret = set_free_cid(fd, &v->cid);
	if (ret) {
		close(fd);
		return err_set(err, ERR_BROKEN, ret, DEVICE ": cannot set a CID: %s",
			       strerror(-ret));
	}
	v->vhost_fd = fd;
	return 0;
}

void vsock_handed_over(struct vsock *v)
{
	if (v->vhost_fd >= 0)
		close(v->vhost_fd);
	v->vhost_fd = -1;
}

int vsock_usable(struct err *err)
{
	struct vsock v;
	int fd, ret;

	vsock_init(&v);
	ret = vsock_take_cid(&v, err);
	vsock_release(&v);
	if (ret)
		return ret;
	fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_BROKEN, -errno, "cannot create a vsock socket: %s",
			       strerror(errno));
	close(fd);
	return 0;
}

/* --- connecting to the guest's agent --- */

static void close_attempt(struct vsock *v)
{
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

/* A guest that refuses a connection runs, and will listen soon. */
static void refused(struct vsock *v)
{
	close_attempt(v);
	v->wake_ns = clock_ns() + RETRY_NS;
}

static void connected(struct vsock *v, struct conn *c)
{
	conn_open(c, v->fd);
	v->fd = -1;
	v->wake_ns = clock_ns() + v->limit_ns;
}

static void begin(struct vsock *v)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_port = WIRE_VSOCK_PORT,
		.svm_cid = v->cid,
	};
	struct timeval limit = {
		.tv_sec = v->limit_ns / 1000000000,
		.tv_usec = v->limit_ns % 1000000000 / 1000,
	};

	v->attempts++;
	v->fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	v->wake_ns = DEADLINE_NEVER;
	setsockopt(v->fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit,
		   sizeof(limit));
	if (v->fd < 0 || (connect(v->fd, (struct sockaddr *)&addr, sizeof(addr)) &&
			  errno != EINPROGRESS))
		refused(v);
}

/* The attempt has taken too long: another one, with a longer limit. */
static void timed_out(struct vsock *v)
{
	v->timeouts++;
	v->limit_ns += v->limit_ns / 2;
	if (v->limit_ns > LIMIT_MAX_NS)
		v->limit_ns = LIMIT_MAX_NS;
	begin(v);
}

void vsock_dial(struct vsock *v, double limit_s)
{
	if (!v->cid)
		return;
	close_attempt(v);
	v->limit_ns = (int64_t)(limit_s * 1e9);
	if (v->limit_ns > LIMIT_MAX_NS)
		v->limit_ns = LIMIT_MAX_NS;
	v->attempts = v->timeouts = 0;
	v->dialed_ns = clock_ns();
	v->dialing = true;
	begin(v);
}

struct pollfd vsock_poll(const struct vsock *v, int64_t *deadline_ns)
{
	if (v->dialing && v->wake_ns < *deadline_ns)
		*deadline_ns = v->wake_ns;
	return (struct pollfd){ v->dialing ? v->fd : -1, POLLOUT, 0 };
}

static void finish(struct vsock *v, struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (!error) {
		connected(v, c);
	} else if (error == ETIMEDOUT) {
		close_attempt(v);
		timed_out(v);
	} else {
		refused(v);
	}
}

void vsock_step(struct vsock *v, struct conn *c, short revents)
{
	if (!v->dialing)
		return;
	if (v->fd >= 0 && revents) {
		finish(v, c);
	} else if (v->fd < 0 && clock_ns() >= v->wake_ns) {
		if (c->fd >= 0)		/* connected, but the agent has not answered */
			vsock_silent(v, c);
		else
			begin(v);
	}
}

void vsock_lost(struct vsock *v, struct conn *c)
{
	conn_release(c);
	refused(v);
}

int64_t vsock_await_hello(struct vsock *v)
{
	v->wake_ns = DEADLINE_NEVER;
	return v->dialing ? clock_ns() + v->limit_ns : DEADLINE_NEVER;
}

void vsock_silent(struct vsock *v, struct conn *c)
{
	conn_release(c);
	timed_out(v);
}

void vsock_connected(struct vsock *v)
{
	if (v->dialing)
		v->connect_s = seconds_since(v->dialed_ns);
	v->dialing = false;
}

void vsock_hang_up(struct vsock *v, struct conn *c, int64_t deadline_ns)
{
	char rest[256];
	ssize_t n = 1;

	if (!v->cid || c->fd < 0)
		return;
	shutdown(c->fd, SHUT_WR);
	while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		struct pollfd in = { c->fd, POLLIN, 0 };

		if (poll(&in, 1, deadline_poll_ms(deadline_ns)) == 0)
			break;
		n = recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT);
	}
	conn_release(c);
}

void vsock_release(struct vsock *v)
{
	close_attempt(v);
	vsock_handed_over(v);
	vsock_init(v);
}
