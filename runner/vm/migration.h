/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Saving a VM's state and loading it into a new QEMU.  The code in
 * runner/fixture/ makes fixtures, clones and snapshots from these operations.
 *
 * Functions that return int return 0, or -errno with err filled.
 */
#ifndef RUNNER_VM_MIGRATION_H
#define RUNNER_VM_MIGRATION_H

#include "runner/vm/vm.h"

/* --- the files with a guest's memory and disks --- */

/*
 * Makes the file fd (taken over; -1: none) the guest's memory at QEMU's next
 * start.  If shared is true, the guest's writes go to the file; otherwise the
 * mapping is private.  Closes the file that was set before.
 */
void vm_set_ram(struct vm *vm, int fd, bool shared);
/*
 * Returns the file with the memory of a saved VM; -1 if there is none or it is
 * private.
 */
int vm_shared_ram(const struct vm *vm);
/* Replaces the layer of disk i by the file fd, which is taken over. */
void vm_set_layer(struct vm *vm, size_t i, int fd);

/* --- saving the state of a running guest --- */

/*
 * Appends the state of devices and processors to `state`.  The guest's memory
 * must be a shared file, which holds the rest of the state.  The guest is
 * stopped afterwards.
 */
int vm_save_devices(struct vm *vm, struct buf *state, int64_t deadline_ns,
		    struct err *err);
/*
 * Stops the guest and writes its whole state, including its memory, to the file
 * fd.
 */
int vm_save_all(struct vm *vm, int fd, int64_t deadline_ns, struct err *err);
/*
 * To be called before saving: closes the connection to the agent, because a
 * saved guest must not have one.  Does nothing if the transport is serial.
 */
void vm_disconnect(struct vm *vm, int64_t deadline_ns);
/*
 * To be called after loading, or when a saved guest continues: connects to the
 * agent and makes the state VM_RUNNING.  On failure the VM is dead.
 */
int vm_connect(struct vm *vm, int64_t deadline_ns, struct err *err);

/* --- loading a guest's state into a new QEMU --- */

/*
 * Turns a reservation that vm_reserve() made without wait into that of a
 * running VM.  Can wait for a job token.
 */
int vm_activate(struct vm *vm, struct err *err);

struct vm_incoming {
	const char *kernel_release;	/* the kernel release of the saved guest */
	int state_fd;			/* from vm_save_devices(); the caller
					 * keeps it */
	const uint64_t *seed;		/* the seed of the clone's random
					 * numbers; NULL: none */
};

/*
 * Starts a QEMU that waits for the state.  To be called after vm_reserve() and
 * vm_set_ram().  Takes opts over, even on failure.
 */
int vm_start_incoming(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
		      const struct vm_incoming *in, struct err *err);
/*
 * Stops a VM in any state but VM_NEW, so that an earlier state of it can be
 * loaded.  Calls in flight fail with `reason`, the state is VM_BOOTING, and the
 * reservation is kept or made again.
 */
int vm_rewind(struct vm *vm, const char *reason, struct err *err);
/*
 * After vm_rewind(): starts a QEMU that waits for a state from vm_save_all().
 */
int vm_restart_incoming(struct vm *vm, int state_fd, struct err *err);
/*
 * Tells QEMU to load the state, without waiting.  A guest that was saved while
 * it ran continues as soon as its state is loaded.
 */
int vm_load(struct vm *vm, struct err *err);
/* Waits until the state is loaded. */
int vm_await_load(struct vm *vm, int64_t deadline_ns, struct err *err);
/* Lets a stopped guest continue. */
int vm_cont(struct vm *vm, int64_t deadline_ns, struct err *err);
/*
 * Takes the current time as the end of boot_s in vm_info(): the guest can be
 * used from now on.
 */
void vm_mark_ready(struct vm *vm);

/*
 * Returns the seed given to vm_start_incoming(), or NULL.  A guest with a seed
 * is stopped after loading.
 */
const struct vm_seed *vm_seed(const struct vm *vm);

#endif
