// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets between a keeper (the process that holds a VM of a failed test) and
 * its clients; see message.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/attach/message.h"
#include "runner/base/pass_fd.h"

#define MESSAGE_MAX 16384u

int message_send(int to, json_t *message, int fd)
{
	char *text = json_dumps(message, JSON_COMPACT);
	ssize_t n = -1;

	if (text)
		n = pass_fd_send(to, text, strlen(text), &fd, fd >= 0, MSG_DONTWAIT);
	n = n < 0 ? -errno : 0;
	free(text);
	json_decref(message);
	return (int)n;
}

json_t *message_receive(int from, int *fd)
{
	union {
		char raw[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
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
