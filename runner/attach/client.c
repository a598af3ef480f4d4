// SPDX-License-Identifier: GPL-2.0-only
/* The VMs of this user that are kept or run; see client.h. */
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
#include "runner/vm/terminal.h"

#define MAX_KEPT 256
#define ANSWER_S 5.0		/* the process of a VM answers at once, unless it is
				 * starting a shell */
#define TEST_ANSWER_S 1.0	/* a test answers while it waits for something */
#define END_S 5.0
/*
 * If the process of the VM has not read the keys after UNREAD_MAX times this
 * long, this process reads them.
 */
#define UNREAD_MS 500
#define UNREAD_MAX 4

static int connect_to(const char *socket, pid_t pid, struct err *err)
{
	int fd = hidden_socket_connect(socket, SOCK_SEQPACKET, pid);

	if (fd >= 0)
		return fd;
	return err_set(err, ERR_USER, fd, "process %d has no VM to look into (%s); provium kept lists those that are kept",
		       pid, strerror(-fd));
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
			ret ? "the process of the VM does not answer" : "the VM was ended");
	json_decref(message);
	return NULL;
}

/* Asks the process.  NULL with err filled; ERR_USER: it has no such socket. */
static json_t *describe(const char *socket, pid_t pid, double seconds, struct err *err)
{
	int fd = connect_to(socket, pid, err);
	json_t *d;

	if (fd < 0)
		return NULL;
	message_send(fd, json_pack("{s:s}", "op", "info"), -1);
	d = answer(fd, deadline_in(seconds), err);
	close(fd);
	return d;
}

static void add_kept(json_t *list, const struct gate_holder *holder)
{
	struct err ignored = { 0 };
	json_t *d = describe(ATTACH_SOCKET, holder->pid, ANSWER_S, &ignored);

	if (!d)
		return;			/* this runner keeps no VM */
	json_object_set_new(d, "memory", json_integer((json_int_t)holder->memory));
	json_array_append_new(list, d);
}

static void add_running(json_t *list, const struct gate_holder *holder)
{
	struct err err = { 0 };
	json_t *d = describe(RUNNING_SOCKET, holder->pid, TEST_ANSWER_S, &err);

	if (d)
		json_array_extend(list, json_object_get(d, "vms"));
	else if (err.kind != ERR_USER)
		json_array_append_new(list, json_pack("{s:i, s:I}", "id", (int)holder->pid,
						      "memory", (json_int_t)holder->memory));
	json_decref(d);
}

static json_t *collect(bool with_running, struct err *err)
{
	static struct gate_holder holders[MAX_KEPT];
	int n = gate_holders(holders, MAX_KEPT, err);
	json_t *list = n < 0 ? NULL : json_array();

	for (int i = 0; i < n; i++)
		add_kept(list, &holders[i]);
	for (int i = 0; with_running && i < n; i++)
		add_running(list, &holders[i]);
	return list;
}

json_t *client_list(struct err *err)
{
	return collect(false, err);
}

json_t *client_list_any(struct err *err)
{
	return collect(true, err);
}

pid_t client_id(const json_t *description)
{
	return (pid_t)json_integer_value(json_object_get(description, "id"));
}

bool client_runs(const json_t *description)
{
	return !json_object_get(description, "since");
}

void client_name(const json_t *description, char name[CLIENT_NAME_MAX])
{
	int vm = (int)json_integer_value(json_object_get(description, "vm"));

	if (client_runs(description) && vm)
		snprintf(name, CLIENT_NAME_MAX, "%d.%d", client_id(description), vm);
	else
		snprintf(name, CLIENT_NAME_MAX, "%d", client_id(description));
}

/* Does the name, or the id of a process, choose this VM?  NULL chooses all. */
static bool is_chosen(const json_t *description, const char *wanted)
{
	char name[CLIENT_NAME_MAX], id[CLIENT_NAME_MAX];

	client_name(description, name);
	snprintf(id, sizeof(id), "%d", client_id(description));
	return !wanted || !strcmp(wanted, name) || !strcmp(wanted, id);
}

const json_t *client_choose(const json_t *list, const char *name, struct err *err)
{
	const json_t *d, *found = NULL;
	size_t i, n = 0;

	json_array_foreach(list, i, d)
		if (is_chosen(d, name) && !n++)
			found = d;
	if (n == 1 && !json_object_get(found, "vm"))
		err_set(err, ERR_USER, -EBUSY, "the test's process %d does not answer now: it waits for the gate, or for a program that it has started; try again",
			client_id(found));
	else if (n > 1)
		err_set(err, ERR_USER, -ENOENT, "there are several VMs: give the ID of one");
	else if (!n)
		err_set(err, ERR_USER, -ENOENT, "%s%s%s", name ? "there is no VM " : "no VM runs or is kept",
			name ? name : "", name ? "" : "; provium test --on-failure=keep keeps those of failed tests");
	return n == 1 && !err->kind ? found : NULL;
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

static json_t *shell_request(const json_t *description)
{
	static const char *const term[] = { "TERM", NULL };
	static const char *const lang[] = { "LC_ALL", "LC_CTYPE", "LANG", NULL };
	int vm = (int)json_integer_value(json_object_get(description, "vm"));
	bool runs = client_runs(description);
	char prompt[64];

	snprintf(prompt, sizeof(prompt), "%s %d:\\w # ", runs ? "VM" : "kept",
		 runs ? vm : client_id(description));
	return json_pack("{s:s, s:i, s:s, s:s, s:s}", "op", "shell", "vm", vm,
			 "prompt", prompt, "term", variable(term), "lang", variable(lang));
}

/*
 * The process of the VM reads the keys, but not while it computes.  Reads those
 * that it has left, and returns true if they are the ones to leave.
 */
static bool left_by_keys(const struct tty *tty, bool *escaped)
{
	char keys[256];
	ssize_t n = read(tty->fd, keys, sizeof(keys));

	for (ssize_t i = 0; i < n; i++)
		if (terminal_leaves(escaped, (uint8_t)keys[i]))
			return true;
	return false;
}

/*
 * Tells the process of the VM each change of the window's size until it
 * answers.  NULL, with *left set or err filled.
 */
static json_t *await_shell(int fd, const struct tty *tty, bool *left, struct err *err)
{
	struct pollfd fds[] = {
		{ fd, POLLIN, 0 }, { tty->size_fd, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 },
	};
	struct pollfd keys = { tty->fd, POLLIN, 0 };
	bool escaped = false;
	char event[256];
	int unread = 0;

	while (!fds[0].revents && !interrupt_pending() && !*left) {
		poll(fds, 3, UNREAD_MS);
		if (fds[1].revents && read(tty->size_fd, event, sizeof(event)) > 0)
			send(fd, "", 1, MSG_NOSIGNAL);
		unread = poll(&keys, 1, 0) > 0 && keys.revents == POLLIN ? unread + 1 : 0;
		if (unread >= UNREAD_MAX)
			*left = left_by_keys(tty, &escaped);
	}
	return *left ? NULL : answer(fd, DEADLINE_NEVER, err);
}

int client_shell(const json_t *description, int *code, bool *left, struct err *err)
{
	int fd = connect_to(client_runs(description) ? RUNNING_SOCKET : ATTACH_SOCKET,
			    client_id(description), err);
	json_t *end = NULL;
	struct tty tty;

	if (fd < 0)
		return fd;
	tty_init(&tty);
	if (!tty_open(&tty, err)) {
		tty_set_raw(&tty);
		message_send(fd, shell_request(description), tty.fd);
		end = await_shell(fd, &tty, left, err);
	}
	tty_release(&tty);
	close(fd);
	*code = (int)json_integer_value(json_object_get(end, "code"));
	*left = *left || json_object_get(end, "left");
	json_decref(end);
	return end || *left ? 0 : -EIO;
}

/* --- gdb, and the end --- */

int client_gdb(pid_t keeper, int listener, struct err *err)
{
	int fd = connect_to(ATTACH_SOCKET, keeper, err);
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
	/* The pid is still that of a keeper. */
	json_t *d = describe(ATTACH_SOCKET, keeper, ANSWER_S, err);
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
