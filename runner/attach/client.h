/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMs of this user that are kept or run, as other processes see them. */
#ifndef RUNNER_ATTACH_CLIENT_H
#define RUNNER_ATTACH_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "runner/base/err.h"

/*
 * Returns the descriptions of all kept VMs as an array, which the caller
 * releases; NULL with err filled.  Members: id (the keeper's pid), file, test,
 * vm (its number in the file), profile, since, ends (CLOCK_REALTIME, seconds),
 * memory (bytes), panicked; and what gdb needs (runner/lua/gdb.lua).
 */
json_t *client_list(struct err *err);
/*
 * The same, and after them the descriptions of all VMs of tests that run, with
 * the members id (the pid of the test file's process), file, test, vm, memory.
 * A process that does not answer has one description, with only id and memory.
 */
json_t *client_list_any(struct err *err);
/*
 * Chooses a VM of that list: by the name that client_name() gives it, or the id
 * of a process with only one VM; NULL: the only one there is.  Returns its
 * description, which is the list's; NULL with err filled.
 */
const json_t *client_choose(const json_t *list, const char *name, struct err *err);
/*
 * Finds the kept VM with that id (decimal digits); NULL: the only one there is.
 * Returns its description, which the caller releases; NULL with err filled.
 */
json_t *client_find(const char *id, struct err *err);
/* Returns the id in a description. */
pid_t client_id(const json_t *description);
#define CLIENT_NAME_MAX 32
/* Writes the name by which the user chooses the VM: "17736", or "17736.2". */
void client_name(const json_t *description, char name[CLIENT_NAME_MAX]);
/* Is this the description of a VM of a test that runs? */
bool client_runs(const json_t *description);
/*
 * Connects the terminal on stdin to a shell in the VM until it ends.  *code:
 * its exit status.  *left: the user has typed Ctrl-] q.  0 or -errno with err
 * filled.
 */
int client_shell(const json_t *description, int *code, bool *left, struct err *err);
/*
 * Makes QEMU's gdb stub accept a connection to the listening socket, until the
 * descriptor that is returned is closed.  -errno with err filled.
 */
int client_gdb(pid_t keeper, int listener, struct err *err);
/*
 * Ends a kept VM and its keeper, and waits for it.  0 or -errno with err
 * filled.
 */
int client_end(pid_t keeper, struct err *err);

#endif
