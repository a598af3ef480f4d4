// SPDX-License-Identifier: GPL-2.0-only
/* Shells in the VMs of a test that runs; see visitors.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/attach/clients.h"
#include "runner/attach/message.h"
#include "runner/attach/visitors.h"
#include "runner/base/hidden_socket.h"
#include "runner/vm/visitors.h"

_Static_assert(CLIENTS_FDS <= VM_VISITORS_MAX, "the loop has room for all descriptors");

struct place {
	struct vm *vm;			/* NULL: it was freed */
	bool visited;
};

static struct {
	bool open;
	int path;			/* see hidden_socket_open() */
	char *file, *test;
	struct place *places;		/* by number - 1 */
	size_t nr;
	const struct vm *closed;	/* no shell can be opened in it now, or NULL */
	const char *why;
	struct clients clients;
} visitors;

static json_t *describe(const struct clients *c)
{
	json_t *list = json_array();

	(void)c;
	for (size_t i = 0; i < visitors.nr; i++) {
		const struct vm *vm = visitors.places[i].vm;

		if (!vm || vm_state(vm) != VM_RUNNING)
			continue;
		json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:i, s:I}",
			"vm", (int)i + 1, "file", visitors.file, "test", visitors.test,
			"id", (int)getpid(), "memory", (json_int_t)vm_machine(vm)->opts.memory));
	}
	return json_pack("{s:o}", "vms", list);
}

static struct vm *enter(const struct clients *c, const json_t *request, bool for_gdb,
			struct err *err)
{
	size_t number = (size_t)json_integer_value(json_object_get(request, "vm"));
	struct place *place = number && number <= visitors.nr ? &visitors.places[number - 1] : NULL;

	(void)c;
	if (for_gdb || !place || !place->vm) {
		err_set(err, ERR_USER, -ENOENT, "the test has no VM %zu that runs", number);
		return NULL;
	}
	if (vm_check_running(place->vm, err))
		return NULL;
	if (place->vm == visitors.closed) {
		err_set(err, ERR_USER, -EBUSY, "%s", visitors.why);
		return NULL;
	}
	place->visited = true;
	return place->vm;
}

static void leave(const struct clients *c, struct vm *vm)
{
	(void)c;
	(void)vm;
}

static size_t poll_clients(struct pollfd *fds)
{
	clients_poll(&visitors.clients, fds);
	return CLIENTS_FDS;
}

static void step(const struct pollfd *fds)
{
	clients_step(&visitors.clients, fds, true);
}

static void freed(struct vm *vm)
{
	for (size_t i = 0; i < visitors.nr; i++)
		if (visitors.places[i].vm == vm)
			visitors.places[i].vm = NULL;
}

static void ended(struct vm *vm)
{
	struct err err = { 0 };

	vm_check_running(vm, &err);
	clients_end_shells(&visitors.clients, vm, vm_state(vm) == VM_DEAD ? err.text :
			   "the test has ended this VM");
}

static void open_socket(void)
{
	static const struct clients_ops ops = { describe, enter, leave };
	static const struct vm_visitors here = { poll_clients, step, ended, freed };
	int listener;

	if (hidden_socket_open(RUNNING_SOCKET, SOCK_SEQPACKET, &listener, &visitors.path))
		return;
	clients_init(&visitors.clients, &ops, NULL, listener);
	vm_set_visitors(&here);
	visitors.open = true;
}

void visitors_note(const char *file, const char *test, struct vm *const *vms, size_t nr)
{
	if (!visitors.open)
		open_socket();
	if (!visitors.open)
		return;
	free(visitors.file);
	free(visitors.test);
	visitors.file = xasprintf("%s", file);
	visitors.test = xasprintf("%s", test);
	visitors.places = xreallocarray(visitors.places, nr + 1, sizeof(*visitors.places));
	for (size_t i = 0; i < nr; i++)
		visitors.places[i] = (struct place){
			.vm = vms[i],
			.visited = (i < visitors.nr && visitors.places[i].visited) ||
				   clients_any_shell(&visitors.clients, vms[i]),
		};
	visitors.nr = nr;
}

void visitors_end_shells(const struct vm *vm, const char *why)
{
	if (visitors.open)
		clients_end_shells(&visitors.clients, vm, why);
}

void visitors_keep_out(const struct vm *vm, const char *why)
{
	visitors.closed = vm;
	visitors.why = why;
	if (vm)
		visitors_end_shells(vm, why);
}

bool visitors_were_in(size_t i)
{
	const struct vm *vm = visitors.places[i].vm;
	bool were = visitors.places[i].visited;

	visitors.places[i].visited = vm && clients_any_shell(&visitors.clients, vm);
	return were;
}

size_t visitors_places(void)
{
	return visitors.nr;
}

void visitors_close(void)
{
	if (!visitors.open)
		return;
	vm_set_visitors(NULL);
	clients_release(&visitors.clients);
	close(visitors.clients.listener);
	close(visitors.path);
	free(visitors.file);
	free(visitors.test);
	free(visitors.places);
	memset(&visitors, 0, sizeof(visitors));
}
