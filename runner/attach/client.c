// SPDX-License-Identifier: GPL-2.0-only
/* The kept VMs of this user; see client.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/attach/client.h"
#include "runner/attach/message.h"
#include "runner/base/deadline.h"
#include "runner/base/hidden_socket.h"
#include "runner/base/interrupt.h"
#include "runner/base/tty.h"
#include "runner/gate/gate.h"

#define MAX_KEPT 256
#define ANSWER_S 5.0		/* a keeper answers at once, unless it is starting a shell */
#define END_S 5.0

static int connect_to(pid_t keeper, struct err *err)
{
	int fd = hidden_socket_connect(ATTACH_SOCKET, SOCK_SEQPACKET, keeper);

	if (fd >= 0)
		return fd;
	return err_set(err, ERR_USER, fd, "there is no kept VM %d (%s); provium kept lists them",
		       keeper, strerror(-fd));
}

/* Waits until fd is readable.  0, -EINTR after a signal, or -ETIMEDOUT. */
static int await(int fd, int64_t deadline_ns)
{
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 } };

	while (!interrupt_pending()) {
		int n = poll(fds, 2, deadline_poll_ms(deadline_ns));

		if (n >= 0 && !interrupt_pending())
			return n ? 0 : -ETIMEDOUT;
	}
	return -EINTR;
}

/* Receives an answer.  Returns it; NULL with err filled if it is an error. */
static json_t *answer(int fd, int64_t deadline_ns, struct err *err)
{
	int none, ret = await(fd, deadline_ns);
	json_t *message = ret ? NULL : message_receive(fd, &none);
	const char *error = json_string_value(json_object_get(message, "error"));

	if (message && !error)
		return message;
	if (ret == -EINTR)
		err_set(err, ERR_INTERRUPTED, ret, "interrupted");
	else
		err_set(err, ERR_BROKEN, -EIO, "%s", error ? error :
			ret ? "the keeper of the VM does not answer" : "the VM was ended");
	json_decref(message);
	return NULL;
}

static json_t *describe(pid_t keeper, struct err *err)
{
	int fd = connect_to(keeper, err);
	json_t *d = NULL;

	if (fd < 0)
		return NULL;
	message_send(fd, json_pack("{s:s}", "op", "info"), -1);
	d = answer(fd, deadline_in(ANSWER_S), err);
	close(fd);
	return d;
}

json_t *client_list(struct err *err)
{
	static struct gate_holder holders[MAX_KEPT];
	int n = gate_holders(holders, MAX_KEPT, err);
	json_t *list = n < 0 ? NULL : json_array();
	struct err ignored;

	for (int i = 0; i < n; i++) {
		json_t *d = describe(holders[i].pid, &ignored);

		if (!d)
			continue;	/* this runner keeps no VM */
		json_object_set_new(d, "memory", json_integer((json_int_t)holders[i].memory));
		json_array_append_new(list, d);
	}
	return list;
}

pid_t client_id(const json_t *description)
{
	return (pid_t)json_integer_value(json_object_get(description, "id"));
}

json_t *client_find(const char *id, struct err *err)
{
	json_t *list = client_list(err), *d, *found = NULL;
	size_t i, n = json_array_size(list);
	char number[16];

	json_array_foreach(list, i, d) {
		snprintf(number, sizeof(number), "%d", client_id(d));
		if (id ? !strcmp(id, number) : n == 1)
			found = json_incref(d);
	}
	if (list && !found && id)
		err_set(err, ERR_USER, -ENOENT, "there is no kept VM %s; provium kept lists them", id);
	else if (list && !found)
		err_set(err, ERR_USER, -ENOENT, n ?
			"there are several kept VMs: give the ID of one, from provium kept" :
			"there is no kept VM; provium test --on-failure=keep keeps those of failed tests");
	json_decref(list);
	return found;
}

/* --- a shell --- */

static const char *variable(const char *const names[])
{
	const char *value = NULL;

	for (; *names && !value; names++)
		value = getenv(*names);
	return value ? value : "";
}

static json_t *shell_request(pid_t keeper)
{
	static const char *const term[] = { "TERM", NULL };
	static const char *const lang[] = { "LC_ALL", "LC_CTYPE", "LANG", NULL };
	char prompt[64];

	snprintf(prompt, sizeof(prompt), "kept %d:\\w # ", keeper);
	return json_pack("{s:s, s:s, s:s, s:s}", "op", "shell", "prompt", prompt,
			 "term", variable(term), "lang", variable(lang));
}

/* Tells the keeper each change of the window's size until it answers. */
static json_t *await_shell(int fd, const struct tty *tty, struct err *err)
{
	struct pollfd fds[] = {
		{ fd, POLLIN, 0 }, { tty->size_fd, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 },
	};
	char event[256];

	while (!fds[0].revents && !interrupt_pending()) {
		poll(fds, 3, -1);
		if (fds[1].revents && read(tty->size_fd, event, sizeof(event)) > 0)
			send(fd, "", 1, MSG_NOSIGNAL);
	}
	return answer(fd, DEADLINE_NEVER, err);
}

int client_shell(pid_t keeper, int *code, bool *left, struct err *err)
{
	int fd = connect_to(keeper, err);
	json_t *end = NULL;
	struct tty tty;

	if (fd < 0)
		return fd;
	tty_init(&tty);
	if (!tty_open(&tty, err)) {
		tty_set_raw(&tty);
		message_send(fd, shell_request(keeper), tty.fd);
		end = await_shell(fd, &tty, err);
	}
	tty_release(&tty);
	close(fd);
	*code = (int)json_integer_value(json_object_get(end, "code"));
	*left = json_object_get(end, "left");
	json_decref(end);
	return end ? 0 : -EIO;
}

/* --- gdb, and the end --- */

int client_gdb(pid_t keeper, int listener, struct err *err)
{
	int fd = connect_to(keeper, err);
	json_t *done;

	if (fd < 0)
		return fd;
	message_send(fd, json_pack("{s:s}", "op", "gdb"), listener);
	done = answer(fd, deadline_in(ANSWER_S), err);
	json_decref(done);
	if (done)
		return fd;
	close(fd);
	return -EIO;
}

int client_end(pid_t keeper, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, keeper, 0);
	json_t *d = describe(keeper, err);	/* the pid is still that of a keeper */
	int ret = -ENOENT;

	if (pidfd >= 0 && d) {
		syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
		ret = await(pidfd, deadline_in(END_S));
		if (ret == -ETIMEDOUT)
			ret = (int)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	}
	if (ret && d)
		err_set(err, ERR_BROKEN, ret, "cannot end the kept VM %d", keeper);
	if (pidfd >= 0)
		close(pidfd);
	json_decref(d);
	return ret;
}
