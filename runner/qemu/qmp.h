/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's control connection: commands out, replies and events in, one JSON
 * value per line (QMP specification, docs/interop/qmp-spec.txt in QEMU's tree).
 */
#ifndef RUNNER_QEMU_QMP_H
#define RUNNER_QEMU_QMP_H

#include <jansson.h>
#include <stdbool.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

#define QMP_LINE_MAX (4u << 20)		/* bytes */

struct qmp {
	int fd;				/* -1: closed; owned */
	struct buf in;
	bool ready;			/* capabilities are negotiated */
	unsigned int sent;		/* id of the last command */
	unsigned int answered;		/* id of the last reply */
	json_t *answer;			/* "return" of the last reply, or NULL */
	struct err refusal;		/* the first "error" since the last
					 * time when all commands had been
					 * answered */
	char last_event[64];		/* name of the last event, "" if none */
	char migration[32];		/* status of the last MIGRATION event */
	bool stopped;			/* whether the last STOP or RESUME
					 * event was a STOP */
	bool shut_down;			/* there was a SHUTDOWN event */
	char disk_error[128];		/* reason of the last BLOCK_IO_ERROR event */
};

void qmp_init(struct qmp *q);
/* Takes fd over and sends qmp_capabilities, without waiting. */
void qmp_open(struct qmp *q, int fd);
/*
 * Reads what has arrived, without waiting, and handles all complete lines.  0;
 * -EPIPE: QEMU has closed the connection; -EBADMSG with err filled: a line that
 * is not JSON or too long.
 */
int qmp_feed(struct qmp *q, struct err *err);
/* Handles n bytes at p as if they had arrived from QEMU. */
int qmp_parse(struct qmp *q, const void *p, size_t n, struct err *err);
/*
 * Sends a command and takes ownership of arguments, which can be NULL.  0 or
 * -errno.
 */
int qmp_send(struct qmp *q, const char *command, json_t *arguments);
/*
 * As qmp_send(); also passes QEMU a descriptor, of which it keeps a copy; -1:
 * none.
 */
int qmp_send_fd(struct qmp *q, const char *command, json_t *arguments, int fd);
void qmp_release(struct qmp *q);

#endif
