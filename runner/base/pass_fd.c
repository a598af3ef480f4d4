// SPDX-License-Identifier: GPL-2.0-only
/* Sends descriptors; see pass_fd.h. */
#include <string.h>
#include <sys/socket.h>

#include "runner/base/pass_fd.h"

ssize_t pass_fd_send(int to, const void *bytes, size_t len, const int *fds, size_t nr, int flags)
{
	union {
		char raw[CMSG_SPACE(PASS_FD_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { .raw = { 0 } };
	struct iovec iov = { (void *)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (nr) {
		msg.msg_control = control.raw;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	return sendmsg(to, &msg, flags | MSG_NOSIGNAL);
}
