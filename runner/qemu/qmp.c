// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's control connection; see qmp.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/pass_fd.h"
#include "runner/qemu/qmp.h"

void qmp_init(struct qmp *q)
{
	*q = (struct qmp){ .fd = -1 };
}

void qmp_open(struct qmp *q, int fd)
{
	q->fd = fd;
	qmp_send(q, "qmp_capabilities", NULL);
}

static void take_reply(struct qmp *q, json_t *msg)
{
	json_t *error = json_object_get(msg, "error");
	const char *desc = json_string_value(json_object_get(error, "desc"));

	q->answered = (unsigned int)json_integer_value(json_object_get(msg, "id"));
	json_decref(q->answer);
	q->answer = json_incref(json_object_get(msg, "return"));
	if (error && !q->refusal.kind)
		err_set(&q->refusal, ERR_BROKEN, 0, "QEMU refused: %s",
			desc ? desc : "no reason given");
	if (!error)
		q->ready = true;
}

static void take_event(struct qmp *q, const char *name, const json_t *msg)
{
	const json_t *data = json_object_get(msg, "data");
	const char *status = json_string_value(json_object_get(data, "status"));
	const char *reason = json_string_value(json_object_get(data, "reason"));

	strncpy(q->last_event, name, sizeof(q->last_event) - 1);
	if (!strcmp(name, "STOP") || !strcmp(name, "RESUME"))
		q->stopped = *name == 'S';
	if (!strcmp(name, "SHUTDOWN"))
		q->shut_down = true;
	if (reason && !strcmp(name, "BLOCK_IO_ERROR"))
		snprintf(q->disk_error, sizeof(q->disk_error), "%s", reason);
	if (status && !strcmp(name, "MIGRATION"))
		strncpy(q->migration, status, sizeof(q->migration) - 1);
}

static int take_line(struct qmp *q, const char *line, size_t n, struct err *err)
{
	json_error_t error;
	json_t *msg = json_loadb(line, n, 0, &error);
	const char *event = json_string_value(json_object_get(msg, "event"));

	if (!json_is_object(msg)) {
		json_decref(msg);
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "QMP: expected a JSON object, got (%s): %.*s",
			       error.text, n > 200 ? 200 : (int)n, line);
	}
	if (event)
		take_event(q, event, msg);
	else if (json_object_get(msg, "return") || json_object_get(msg, "error"))
		take_reply(q, msg);
	json_decref(msg);	/* the greeting is ignored */
	return 0;
}

int qmp_parse(struct qmp *q, const void *p, size_t n, struct err *err)
{
	const uint8_t *end;
	int ret = 0;

	buf_add(&q->in, p, n);
	while (!ret && q->in.len && (end = memchr(q->in.p, '\n', q->in.len))) {
		size_t len = (size_t)(end - q->in.p);

		/* QEMU may send empty lines between values. */
		if (len && !(len == 1 && q->in.p[0] == '\r'))
			ret = take_line(q, (char *)q->in.p, len, err);
		buf_drop(&q->in, len + 1);
	}
	if (!ret && q->in.len > QMP_LINE_MAX)
		ret = err_set(err, ERR_BROKEN, -EBADMSG,
			      "QMP: a line is longer than %u bytes", QMP_LINE_MAX);
	return ret;
}

int qmp_feed(struct qmp *q, struct err *err)
{
	char piece[4096];
	ssize_t n = recv(q->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -EPIPE;
	return qmp_parse(q, piece, (size_t)n, err);
}

int qmp_send_fd(struct qmp *q, const char *command, json_t *arguments, int fd)
{
	json_t *msg;
	char *line;
	ssize_t n;

	if (q->answered == q->sent)
		q->refusal.kind = ERR_NONE;
	msg = json_pack("{s:s, s:i}", "execute", command, "id", (int)++q->sent);
	if (arguments)
		json_object_set_new(msg, "arguments", arguments);
	line = json_dumps(msg, JSON_COMPACT);
	json_decref(msg);
	/*
	 * This does not block: commands are short, and QEMU reads them at once.
	 */
	n = pass_fd_send(q->fd, line, strlen(line), &fd, fd >= 0, 0);
	free(line);
	return n < 0 ? -errno : 0;
}

int qmp_send(struct qmp *q, const char *command, json_t *arguments)
{
	return qmp_send_fd(q, command, arguments, -1);
}

void qmp_release(struct qmp *q)
{
	if (q->fd >= 0)
		close(q->fd);
	buf_release(&q->in);
	json_decref(q->answer);
	qmp_init(q);
}
