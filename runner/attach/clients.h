/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections of other processes of this user that want to look into VMs of
 * this process: those of a keeper (keeper.h), or of a test that runs
 * (visitors.h).
 */
#ifndef RUNNER_ATTACH_CLIENTS_H
#define RUNNER_ATTACH_CLIENTS_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>

#include "runner/vm/terminal.h"

#define CLIENTS_MAX 12
/* A client's terminal, its connection, and the link to the agent of its VM. */
#define CLIENT_FDS (TERMINAL_FDS + 1)
#define CLIENTS_FDS (CLIENTS_MAX * CLIENT_FDS + 1)

struct client {
	int fd;				/* -1: this place is free */
	int tty_fd;			/* -1: it has no shell */
	struct vm *vm;			/* of the shell or of gdb */
	struct terminal *shell;
	bool has_gdb;
};

struct clients;

/* What differs between a keeper and a test.  Functions that fail fill err. */
struct clients_ops {
	/* Returns the answer to "info". */
	json_t *(*describe)(const struct clients *c);
	/*
	 * Returns the VM that the request is for, in which a shell, or gdb, can
	 * be started now; NULL if there is none.
	 */
	struct vm *(*enter)(const struct clients *c, const json_t *request, bool for_gdb,
			    struct err *err);
	/* A shell or gdb in the VM has ended. */
	void (*leave)(const struct clients *c, struct vm *vm);
};

struct clients {
	const struct clients_ops *ops;
	void *context;			/* for ops */
	int listener;			/* -1: no client is accepted */
	struct client list[CLIENTS_MAX];
};

void clients_init(struct clients *c, const struct clients_ops *ops, void *context,
		  int listener);
/* Fills in what poll(2) must wait for. */
void clients_poll(const struct clients *c, struct pollfd fds[CLIENTS_FDS]);
/*
 * Handles what has happened.  serves_vms: also to the VMs with shells, which
 * nothing else waits for now.
 */
void clients_step(struct clients *c, const struct pollfd fds[CLIENTS_FDS], bool serves_vms);
/*
 * Ends the shells in the VM, or in all VMs if it is NULL, with that message to
 * the user; NULL: the VM was ended.
 */
void clients_end_shells(struct clients *c, const struct vm *vm, const char *message);
/* Is there a shell in the VM, or in any if it is NULL? */
bool clients_any_shell(const struct clients *c, const struct vm *vm);
bool clients_any_gdb(const struct clients *c);
/* Closes all connections. */
void clients_release(struct clients *c);

#endif
