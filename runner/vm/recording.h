/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM that QEMU records, or that replays a recording.
 *
 * QEMU writes to the log all that the guest gets from outside, with the number
 * of instructions that the guest had executed by then (docs/devel/replay.rst in
 * QEMU's tree).  The log is whole only if QEMU ends by itself.
 */
#ifndef RUNNER_VM_RECORDING_H
#define RUNNER_VM_RECORDING_H

#include "runner/vm/vm.h"

/*
 * The frequency of the TSC of a recorded guest, in kHz: QEMU makes it from the
 * guest's own clock.
 */
#define RECORDED_TSC_KHZ 1000000
/* A recorded guest needs up to this many times the time of another. */
#define RECORDED_SLOWNESS 3

/* Changes accel to what a recorded VM runs on: TCG, virtio-serial. */
void vm_recorded_accel(struct accel *accel);
/*
 * Makes vm, which is in state VM_NEW, a recorded VM, in which an instruction
 * takes 2^shift ns (0 to 10).  Takes over the descriptor of an empty file for
 * the log; it stays open until vm_free().
 */
void vm_record(struct vm *vm, unsigned int shift, int log_fd);

struct recording_info {
	const char *kernel, *initrd;	/* hashes of what the guest booted from */
	bool whole;			/* the guest has ended, and its log is whole */
	uint64_t end;			/* its instructions at the end, if whole */
};

/*
 * Fills in *info.  Its strings belong to the VM.  False: the VM is not
 * recorded.
 */
bool vm_recording(const struct vm *vm, struct recording_info *info);
/*
 * Copies the log of a VM that has ended to the file at path.  0 or -errno with
 * err filled; then there is no such file.
 */
int vm_keep_recording(struct vm *vm, const char *path, struct err *err);

/*
 * Notes that the test is about to make the call of that name.  Does nothing
 * unless vm is a recorded VM.
 */
void vm_note_call(struct vm *vm, const char *label);
/*
 * Returns the name of the last call that was noted, and in *count how many
 * instructions the guest had executed before it; NULL if there was none.
 */
const char *vm_last_call(const struct vm *vm, uint64_t *count);

/*
 * Finds out how many instructions a recorded or replaying guest has executed.
 * 0 or -errno with err filled.  Signals to this process do not end the wait.
 */
int vm_icount(struct vm *vm, uint64_t *count, struct err *err);

#endif
