// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser of QMP: complete lines, lines in pieces, error replies, malformed
 * lines.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/qemu/qmp.h"
#include "tests/host/lib/tap.h"

static const char greeting[] =
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}}, "
	"\"capabilities\": [\"oob\"]}}\r\n";

static int feed(struct qmp *q, const char *text, struct err *err)
{
	return qmp_parse(q, text, strlen(text), err);
}

static void session(void)
{
	struct qmp q;
	struct err err;
	char sent[256] = "";
	int fds[2];

	qmp_init(&q);
	ok(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds), "a socketpair is made for QMP");
	qmp_open(&q, fds[0]);
	ok(read(fds[1], sent, sizeof(sent) - 1) > 0 &&
	   strstr(sent, "\"execute\":\"qmp_capabilities\""),
	   "qmp_open() negotiates capabilities: %s", sent);
	ok(!feed(&q, greeting, &err) && !q.ready, "the greeting alone does not make QMP ready");
	ok(!feed(&q, "{\"return\": {}, \"id\": 1}\r\n", &err) && q.ready,
	   "the first return makes QMP ready");
	ok(!feed(&q, "{\"timestamp\": {}, \"event\": \"SHUTDOWN\", "
		 "\"data\": {\"guest\": true}}\r\n", &err) &&
	   !strcmp(q.last_event, "SHUTDOWN"), "an event is noted");
	qmp_send(&q, "query-status", NULL);
	ok(!feed(&q, "{\"id\": 2, \"return\": {\"status\": \"running\"}}\n\n\r\n", &err) &&
	   q.answered == 2 &&
	   !strcmp(json_string_value(json_object_get(q.answer, "status")), "running"),
	   "a reply has its value, and empty lines are skipped");
	ok(!feed(&q, "{\"id\": 3, \"error\": {\"class\": \"GenericError\", "
		 "\"desc\": \"no such thing\"}}\n", &err) &&
	   q.refusal.kind == ERR_BROKEN && strstr(q.refusal.text, "no such thing"),
	   "an error reply becomes a BROKEN error with QEMU's text: %s", q.refusal.text);
	close(fds[1]);
	ok(qmp_feed(&q, &err) == -EPIPE, "qmp_feed() returns EPIPE when the other end has closed");
	qmp_release(&q);
	qmp_release(&q);
	ok(q.fd == -1, "qmp_release() is safe twice");
}

static void pieces(void)
{
	struct qmp q;
	struct err err;
	int bad = 0;

	qmp_init(&q);
	for (const char *at = greeting; *at; at++)
		bad |= qmp_parse(&q, at, 1, &err);
	bad |= feed(&q, "{\"event\": \"ST", &err);
	bad |= feed(&q, "OP\"}\n{\"event\": \"RESUME\"}\n{\"ev", &err);
	ok(!bad && !strcmp(q.last_event, "RESUME"), "lines that arrive in pieces are parsed");
	qmp_release(&q);
}

static void refusals(void)
{
	static const char *const bad[] = {
		"{\"event\": \n", "[]\n", "42\n", "{\"a\":1} trailing\n",
		"\xff\xfe\n", "{\"return\": {}\n",
	};
	static char endless[QMP_LINE_MAX + 2];
	struct qmp q;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		qmp_init(&q);
		ok(feed(&q, bad[i], &err) == -EBADMSG && err.kind == ERR_BROKEN,
		   "a malformed line is refused: %.*s", (int)strcspn(bad[i], "\n"),
		   bad[i][0] & 0x80 ? "(not UTF-8)" : bad[i]);
		qmp_release(&q);
	}
	qmp_init(&q);
	memset(endless, ' ', sizeof(endless));
	ok(qmp_parse(&q, endless, sizeof(endless), &err) == -EBADMSG,
	   "a line longer than QMP_LINE_MAX is refused");
	qmp_release(&q);
}

int main(void)
{
	session();
	pieces();
	refusals();
	return done();
}
