// SPDX-License-Identifier: GPL-2.0-only
/* Connections to a process that has VMs; see clients.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/attach/clients.h"
#include "runner/attach/message.h"
#include "runner/vm/debugger.h"

void clients_init(struct clients *c, const struct clients_ops *ops, void *context,
		  int listener)
{
	*c = (struct clients){ .ops = ops, .context = context, .listener = listener };
	for (int i = 0; i < CLIENTS_MAX; i++)
		c->list[i] = (struct client){ .fd = -1, .tty_fd = -1 };
}

bool clients_any_shell(const struct clients *c, const struct vm *vm)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (c->list[i].shell && (!vm || c->list[i].vm == vm))
			return true;
	return false;
}

bool clients_any_gdb(const struct clients *c)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (c->list[i].has_gdb)
			return true;
	return false;
}

static void drop(struct clients *c, struct client *client)
{
	const struct client was = *client;

	*client = (struct client){ .fd = -1, .tty_fd = -1 };
	if (was.has_gdb)
		vm_debug_end(was.vm);	/* gdb has let the guest run on */
	terminal_free(was.shell);
	if (was.tty_fd >= 0)
		close(was.tty_fd);
	if (was.fd >= 0)
		close(was.fd);
	if (was.shell || was.has_gdb)
		c->ops->leave(c, was.vm);
}

static void answer_error(const struct client *client, const char *message)
{
	message_send(client->fd, json_pack("{s:s}", "error", message), -1);
}

void clients_end_shells(struct clients *c, const struct vm *vm, const char *message)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &c->list[i];

		if (!client->shell || (vm && client->vm != vm))
			continue;
		if (message)
			answer_error(client, message);
		drop(c, client);
	}
}

void clients_release(struct clients *c)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		drop(c, &c->list[i]);
}

/* --- requests --- */

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));

	return text ? text : "";
}

/* Takes over the terminal fd. */
static int open_shell(struct clients *c, struct client *client, const json_t *request,
		      int fd, struct err *err)
{
	struct terminal_opts opts = {
		.tty_fd = fd, .size_fd = client->fd, .prompt = text_of(request, "prompt"),
		.term = text_of(request, "term"), .lang = text_of(request, "lang"),
	};
	struct vm *vm;

	client->tty_fd = fd;
	vm = c->ops->enter(c, request, false, err);
	if (!vm)
		return -EIO;
	client->vm = vm;
	client->shell = terminal_new(vm, &opts, err);
	if (client->shell)
		return 0;
	c->ops->leave(c, vm);
	return -EIO;
}

static int open_gdb(struct clients *c, struct client *client, const json_t *request,
		    int listener, struct err *err)
{
	int ret = -EBUSY;

	client->vm = c->ops->enter(c, request, true, err);
	if (!client->vm)
		ret = -EIO;
	else if (clients_any_gdb(c) || clients_any_shell(c, NULL))
		err_set(err, ERR_USER, ret, "%s in this VM: leave it first",
			clients_any_gdb(c) ? "another gdb is connected" : "a shell is open");
	else
		ret = vm_debug_start(client->vm, listener, true, err);
	close(listener);
	client->has_gdb = !ret;
	return ret ? ret : message_send(client->fd, json_object(), -1);
}

/* Reads a client's request.  Returns false if the client has gone. */
static bool read_request(struct clients *c, struct client *client)
{
	struct err err = { 0 };
	int fd, ret = 0;
	json_t *request = message_receive(client->fd, &fd);
	const char *op = text_of(request, "op");

	if (!strcmp(op, "info"))
		ret = message_send(client->fd, c->ops->describe(c), -1);
	else if (!strcmp(op, "shell") && fd >= 0)
		ret = open_shell(c, client, request, fd, &err);
	else if (!strcmp(op, "gdb") && fd >= 0)
		ret = open_gdb(c, client, request, fd, &err);
	else
		ret = -EPROTO;
	if (err.kind)
		answer_error(client, err.text);
	json_decref(request);
	return !ret;
}

static bool step_shell(struct client *client, const struct pollfd *fds)
{
	struct err err = { 0 };
	int code = 0;

	switch (terminal_step(client->shell, fds, &code, &err)) {
	case TERMINAL_RUNS:
		return true;
	case TERMINAL_ENDED:
		message_send(client->fd, json_pack("{s:i}", "code", code), -1);
		return false;
	case TERMINAL_LEFT:
		message_send(client->fd, json_pack("{s:b}", "left", 1), -1);
		return false;
	case TERMINAL_DEAD:
		answer_error(client, err.text);
		return false;
	case TERMINAL_GONE:
		return false;
	}
	return false;
}

/* Only this user and root can open the socket; this says so again. */
static bool is_allowed(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
		(peer.uid == getuid() || !peer.uid);
}

static void accept_client(struct clients *c)
{
	int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
	int i = 0;

	while (i < CLIENTS_MAX && c->list[i].fd >= 0)
		i++;
	if (fd < 0)
		return;
	if (i < CLIENTS_MAX && is_allowed(fd))
		c->list[i].fd = fd;
	else
		close(fd);
}

/* --- events --- */

void clients_poll(const struct clients *c, struct pollfd fds[CLIENTS_FDS])
{
	for (int i = 0; i < CLIENTS_MAX; i++, fds += CLIENT_FDS) {
		const struct client *client = &c->list[i];

		fds[0] = fds[2] = (struct pollfd){ -1, 0, 0 };
		fds[1] = (struct pollfd){ client->fd, POLLIN, 0 };
		if (client->shell) {
			terminal_poll(client->shell, fds);
			fds[2] = terminal_poll_vm(client->shell);
		}
	}
	fds[0] = (struct pollfd){ c->listener, POLLIN, 0 };
}

static void step_client(struct clients *c, struct client *client, const struct pollfd *fds)
{
	bool stays = true;

	if (client->fd < 0)
		return;
	if (client->shell)
		stays = step_shell(client, fds);
	else if (fds[1].revents)
		stays = read_request(c, client);
	if (!stays)
		drop(c, client);
}

void clients_step(struct clients *c, const struct pollfd fds[CLIENTS_FDS], bool serves_vms)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		const struct pollfd *its = fds + i * CLIENT_FDS;

		if (serves_vms && c->list[i].shell && its[2].revents)
			vm_lives(c->list[i].vm);	/* its end drops the client */
		step_client(c, &c->list[i], its);
	}
	if (fds[CLIENTS_MAX * CLIENT_FDS].revents)
		accept_client(c);
}
