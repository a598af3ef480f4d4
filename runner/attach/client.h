/* SPDX-License-Identifier: GPL-2.0-only */
/* The kept VMs of this user, as other processes see them. */
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
 * Finds the kept VM with that id (decimal digits); NULL: the only one there is.
 * Returns its description, which the caller releases; NULL with err filled.
 */
json_t *client_find(const char *id, struct err *err);
/* Returns the id in a description. */
pid_t client_id(const json_t *description);
/*
 * Connects the terminal on stdin to a shell in the VM until it ends.  *code:
 * its exit status.  *left: the user has typed Ctrl-] q.  0 or -errno with err
 * filled.
 */
int client_shell(pid_t keeper, int *code, bool *left, struct err *err);
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
