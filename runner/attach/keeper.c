// SPDX-License-Identifier: GPL-2.0-only
/* The keeper of a VM; see keeper.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/attach/keeper.h"
#include "runner/attach/message.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/hidden_socket.h"
#include "runner/base/interrupt.h"
#include "runner/gate/gate.h"
#include "runner/vm/debugger.h"
#include "runner/vm/kept.h"
#include "runner/vm/terminal.h"

#define MAX_CLIENTS ((VM_ALSO_MAX - 1) / TERMINAL_FDS)
/*
 * How often to look whether the output folder is still there: inotify reports
 * nothing if a folder above it is renamed.
 */
#define TICK_S 2.0

void keeper_init(struct keeper *k)
{
	*k = (struct keeper){ -1, -1 };
}

/* Closes what the user's shell or make has left open for this process. */
static void close_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

int keeper_detach(struct keeper *k, struct err *err)
{
	int null, ret = hidden_socket_open(ATTACH_SOCKET, SOCK_SEQPACKET, &k->listener, &k->path);

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!ret && null < 0)
		ret = -errno;
	if (ret)
		return err_set(err, ERR_BROKEN, ret, "cannot open the keeper's socket: %s",
			       strerror(-ret));
	fflush(NULL);
	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
	close_inherited();
	gate_leave_make();
	return 0;
}

void keeper_release(struct keeper *k)
{
	if (k->listener >= 0)
		close(k->listener);
	if (k->path >= 0)
		close(k->path);
	keeper_init(k);
}

/* --- clients --- */

struct client {
	int fd;				/* -1: this place is free */
	int tty_fd;			/* -1: it has no shell */
	struct terminal *shell;
	bool has_gdb;
};

struct service {
	struct vm *vm;
	json_t *description;
	struct client clients[MAX_CLIENTS];
};

static bool any_shell(const struct service *s)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (s->clients[i].shell)
			return true;
	return false;
}

static bool any_gdb(const struct service *s)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (s->clients[i].has_gdb)
			return true;
	return false;
}

static void drop(struct service *s, struct client *c)
{
	const struct client was = *c;
	struct err ignored;

	*c = (struct client){ .fd = -1, .tty_fd = -1 };
	if (was.has_gdb)
		vm_debug_end(s->vm);	/* gdb has let the guest run on */
	terminal_free(was.shell);
	if (was.tty_fd >= 0)
		close(was.tty_fd);
	if (was.fd >= 0)
		close(was.fd);
	if ((was.shell || was.has_gdb) && !any_shell(s))
		vm_kept_run(s->vm, false, &ignored);
}

static void answer_error(struct client *c, const struct err *err)
{
	message_send(c->fd, json_pack("{s:s}", "error", err->text), -1);
}

static const char *text_of(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));

	return text ? text : "";
}

/* Takes over the terminal fd. */
static int open_shell(struct service *s, struct client *c, const json_t *request, int fd,
		      struct err *err)
{
	struct terminal_opts opts = {
		.tty_fd = fd, .size_fd = c->fd, .prompt = text_of(request, "prompt"),
		.term = text_of(request, "term"), .lang = text_of(request, "lang"),
	};
	int ret = 0;

	c->tty_fd = fd;
	/*
	 * The guest may stand, and an agent that does not answer is taken for
	 * dead.
	 */
	if (any_gdb(s))
		return err_set(err, ERR_USER, -EBUSY, "gdb is connected to this VM: leave it first");
	if (!any_shell(s))
		ret = vm_kept_run(s->vm, true, err);
	if (!ret)
		c->shell = terminal_new(s->vm, &opts, err);
	if (!ret && !c->shell && !any_shell(s))
		vm_kept_run(s->vm, false, &(struct err){ 0 });
	return c->shell ? 0 : -EIO;
}

static int open_gdb(struct service *s, struct client *c, int listener, struct err *err)
{
	int ret = -EBUSY;

	if (any_gdb(s) || any_shell(s))
		err_set(err, ERR_USER, ret, "%s in this VM: leave it first",
			any_gdb(s) ? "another gdb is connected" : "a shell is open");
	else
		ret = vm_debug_start(s->vm, listener, true, err);
	close(listener);
	c->has_gdb = !ret;
	return ret ? ret : message_send(c->fd, json_object(), -1);
}

static json_t *description(const struct service *s)
{
	json_t *d = json_copy(s->description);

	json_object_set_new(d, "panicked", json_boolean(vm_state(s->vm) == VM_DEAD));
	return d;
}

/* Reads a client's request.  Returns false if the client has gone. */
static bool read_request(struct service *s, struct client *c)
{
	struct err err = { 0 };
	int fd, ret = 0;
	json_t *request = message_receive(c->fd, &fd);
	const char *op = text_of(request, "op");

	if (!strcmp(op, "info"))
		ret = message_send(c->fd, description(s), -1);
	else if (!strcmp(op, "shell") && fd >= 0)
		ret = open_shell(s, c, request, fd, &err);
	else if (!strcmp(op, "gdb") && fd >= 0)
		ret = open_gdb(s, c, fd, &err);
	else
		ret = -EPROTO;
	if (err.kind)
		answer_error(c, &err);
	json_decref(request);
	return !ret;
}

static bool step_shell(struct client *c, const struct pollfd *fds)
{
	struct err err = { 0 };
	int code = 0;

	switch (terminal_step(c->shell, fds, &code, &err)) {
	case TERMINAL_RUNS:
		return true;
	case TERMINAL_ENDED:
		message_send(c->fd, json_pack("{s:i}", "code", code), -1);
		return false;
	case TERMINAL_LEFT:
		message_send(c->fd, json_pack("{s:b}", "left", 1), -1);
		return false;
	case TERMINAL_DEAD:
		answer_error(c, &err);
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

static void accept_client(struct service *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int i = 0;

	while (i < MAX_CLIENTS && s->clients[i].fd >= 0)
		i++;
	if (fd < 0)
		return;
	if (i < MAX_CLIENTS && is_allowed(fd))
		s->clients[i].fd = fd;
	else
		close(fd);
}

/* --- the loop --- */

static void poll_client(const struct client *c, struct pollfd fds[TERMINAL_FDS])
{
	fds[0] = (struct pollfd){ -1, 0, 0 };
	fds[1] = (struct pollfd){ c->fd, POLLIN, 0 };
	if (c->shell)
		terminal_poll(c->shell, fds);
}

static void step_client(struct service *s, struct client *c, const struct pollfd *fds)
{
	bool stays = true;

	if (c->fd < 0)
		return;
	if (c->shell)
		stays = step_shell(c, fds);
	else if (fds[1].revents)
		stays = read_request(s, c);
	if (!stays)
		drop(s, c);
}

/* The folder as it is when the keeper begins. */
struct folder {
	dev_t dev;
	ino_t ino;
};

static struct folder find_folder(void)
{
	struct stat st = { 0 };

	return stat(files_home(), &st) ? (struct folder){ 0 } :
		(struct folder){ st.st_dev, st.st_ino };
}

static bool is_gone(const struct folder *home)
{
	struct folder now = find_folder();

	return now.dev != home->dev || now.ino != home->ino || gate_is_lost();
}

static void step(struct service *s, int listener, int64_t end_ns)
{
	struct pollfd fds[MAX_CLIENTS * TERMINAL_FDS + 1];
	int64_t tick = deadline_in(TICK_S);
	int n = MAX_CLIENTS * TERMINAL_FDS;

	for (int i = 0; i < MAX_CLIENTS; i++)
		poll_client(&s->clients[i], fds + i * TERMINAL_FDS);
	fds[n] = (struct pollfd){ listener, POLLIN, 0 };
	vm_step_also(s->vm, tick < end_ns ? tick : end_ns, fds, (size_t)n + 1);
	for (int i = 0; i < MAX_CLIENTS && !interrupt_pending(); i++)
		step_client(s, &s->clients[i], fds + i * TERMINAL_FDS);
	if (fds[n].revents)
		accept_client(s, listener);
}

void keeper_serve(struct keeper *k, struct vm *vm, const char *text, double seconds)
{
	struct service s = { .vm = vm, .description = json_loads(text, 0, NULL) };
	const struct folder home = find_folder();
	int64_t end_ns = deadline_in(seconds);

	if (chdir("/"))
		return;
	for (int i = 0; i < MAX_CLIENTS; i++)
		s.clients[i] = (struct client){ .fd = -1, .tty_fd = -1 };
	while (vm_can_debug(vm) && !interrupt_pending() && clock_ns() < end_ns && !is_gone(&home))
		step(&s, k->listener, end_ns);
	for (int i = 0; i < MAX_CLIENTS; i++)
		drop(&s, &s.clients[i]);
	json_decref(s.description);
}
