// SPDX-License-Identifier: GPL-2.0-only
/* Packets between a keeper and its clients; see message.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/attach/message.h"

#define MESSAGE_MAX 16384u

union control {
	char raw[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int message_send(int to, json_t *message, int fd)
{
	union control control = { .raw = { 0 } };
	char *text = json_dumps(message, JSON_COMPACT);
	struct iovec iov = { text, text ? strlen(text) : 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		msg.msg_control = control.raw;
		msg.msg_controllen = sizeof(control.raw);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	n = text ? sendmsg(to, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
	n = n < 0 ? -errno : 0;
	free(text);
	json_decref(message);
	return (int)n;
}

json_t *message_receive(int from, int *fd)
{
	union control control;
	char text[MESSAGE_MAX];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.raw,
			      .msg_controllen = sizeof(control.raw) };
	struct cmsghdr *c;
	json_t *message;
	ssize_t n;

	*fd = -1;
	n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return NULL;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	message = json_loadb(text, (size_t)n, 0, NULL);
	if (json_is_object(message))
		return message;
	json_decref(message);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return NULL;
}
