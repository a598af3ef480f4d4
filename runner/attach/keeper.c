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

#include "runner/attach/clients.h"
#include "runner/attach/keeper.h"
#include "runner/attach/message.h"
#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/hidden_socket.h"
#include "runner/base/interrupt.h"
#include "runner/gate/gate.h"
#include "runner/vm/debugger.h"
#include "runner/vm/kept.h"

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

/* --- what clients get --- */

struct service {
	struct vm *vm;
	json_t *description;
};

static json_t *describe(const struct clients *c)
{
	const struct service *s = c->context;
	json_t *d = json_copy(s->description);

	json_object_set_new(d, "panicked", json_boolean(vm_state(s->vm) == VM_DEAD));
	return d;
}

/* The guest runs while a shell is open in it. */
static struct vm *enter(const struct clients *c, const json_t *request, bool for_gdb,
			struct err *err)
{
	const struct service *s = c->context;

	(void)request;
	if (for_gdb)
		return s->vm;
	/*
	 * The guest may stand, and an agent that does not answer is taken for
	 * dead.
	 */
	if (clients_any_gdb(c)) {
		err_set(err, ERR_USER, -EBUSY, "gdb is connected to this VM: leave it first");
		return NULL;
	}
	return clients_any_shell(c, NULL) || !vm_kept_run(s->vm, true, err) ? s->vm : NULL;
}

static void leave(const struct clients *c, struct vm *vm)
{
	if (!clients_any_shell(c, NULL))
		vm_kept_run(vm, false, &(struct err){ 0 });
}

static const struct clients_ops ops = {
	.describe = describe, .enter = enter, .leave = leave,
};

/* --- the loop --- */

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

_Static_assert(CLIENTS_FDS <= VM_ALSO_MAX, "the loop has room for all descriptors");

static void step(struct clients *c, struct vm *vm, int64_t end_ns)
{
	struct pollfd fds[CLIENTS_FDS];
	int64_t tick = deadline_in(TICK_S);

	clients_poll(c, fds);
	vm_step_also(vm, tick < end_ns ? tick : end_ns, fds, CLIENTS_FDS);
	if (!interrupt_pending())
		clients_step(c, fds, false);
}

void keeper_serve(struct keeper *k, struct vm *vm, const char *text, double seconds)
{
	struct service s = { .vm = vm, .description = json_loads(text, 0, NULL) };
	const struct folder home = find_folder();
	int64_t end_ns = deadline_in(seconds);
	struct clients c;

	if (chdir("/"))
		return;
	clients_init(&c, &ops, &s, k->listener);
	while (vm_can_debug(vm) && !interrupt_pending() && clock_ns() < end_ns && !is_gone(&home))
		step(&c, vm, end_ns);
	clients_release(&c);
	json_decref(s.description);
}
