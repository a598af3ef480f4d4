/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's control line: commands out, replies and events in, one JSON value a
 * line (QMP specification, docs/interop/qmp-spec.txt in QEMU's tree).
 */
#ifndef RUNNER_QEMU_QMP_H
#define RUNNER_QEMU_QMP_H

#include <jansson.h>
#include <stdbool.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

#define QMP_LINE_MAX (4u << 20)

struct qmp {
	int fd;				/* -1: closed; owned */
	struct buf in;
	bool ready;			/* capabilities are negotiated */
	unsigned int sent;		/* id of the last command */
	unsigned int answered;		/* id of the last reply */
	json_t *answer;			/* its "return", or NULL */
	struct err refusal;		/* the first "error" of those that were sent together */
	char last_event[64];		/* name of the last event, "" if none */
	char migration[32];		/* status of the last MIGRATION event */
	bool stopped;			/* the last of the events STOP and RESUME */
	char disk_error[128];		/* reason of the last BLOCK_IO_ERROR event */
};

void qmp_init(struct qmp *q);
/* Takes fd over and says qmp_capabilities, without waiting. */
void qmp_open(struct qmp *q, int fd);
/*
 * Reads what is there and works through whole lines.  0; -EPIPE: QEMU has
 * closed the line; -EBADMSG with err filled: no JSON, or a line without end.
 */
int qmp_feed(struct qmp *q, struct err *err);
/* The same for bytes that came from elsewhere. */
int qmp_parse(struct qmp *q, const void *p, size_t n, struct err *err);
/* Sends a command; arguments (may be NULL) are taken over.  0 or -errno. */
int qmp_send(struct qmp *q, const char *command, json_t *arguments);
/* The same, with a descriptor for QEMU to keep a copy of (getfd); -1: none. */
int qmp_send_fd(struct qmp *q, const char *command, json_t *arguments, int fd);
void qmp_release(struct qmp *q);

#endif
