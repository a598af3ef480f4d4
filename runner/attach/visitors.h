/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets other processes of this user open shells in the VMs of a test file that
 * runs (provium shell --attach).  They are served whenever this process waits
 * for a VM, for a program, or for time to pass.
 */
#ifndef RUNNER_ATTACH_VISITORS_H
#define RUNNER_ATTACH_VISITORS_H

#include "runner/vm/vm.h"

/*
 * Tells what runs: VM number i + 1 is vms[i].  test: its title, "" between
 * tests.  The first call opens the socket; if that fails, there are no
 * visitors.
 */
void visitors_note(const char *file, const char *test, struct vm *const *vms, size_t nr);
/* Ends the shells in the VM, or in all if it is NULL, with that sentence. */
void visitors_end_shells(const struct vm *vm, const char *why);
/*
 * Ends the shells in the VM, and lets none in, until this is called with NULL.
 * why: a sentence for their users, which stays the caller's.
 */
void visitors_keep_out(const struct vm *vm, const char *why);
/* Was a shell open in VM number i + 1 since this was last asked? */
bool visitors_were_in(size_t i);
/* The number of VMs that were noted. */
size_t visitors_places(void);
/* Closes the socket and all connections. */
void visitors_close(void);

#endif
