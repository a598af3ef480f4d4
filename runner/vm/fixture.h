/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM saved, and resumed as often as wanted.
 *
 * Memory is a file that a VM which is to be saved maps shared, and a clone maps
 * copy on write.  A clone that is to be saved itself gets a copy of the file.
 */
#ifndef RUNNER_VM_FIXTURE_H
#define RUNNER_VM_FIXTURE_H

#include "runner/vm/store.h"
#include "runner/vm/vm.h"

/*
 * Before vm_boot(): the VM will be saved.  Its memory becomes a file, and disks
 * that can be written get a layer.  0 or -errno with err filled.
 */
int fixture_prepare(struct vm *vm, struct vm_opts *opts, struct err *err);
/*
 * Stops the VM, saves it in the store and kills it.  *meta (the caller's to
 * release) is what lies there now.  0 or -errno with err filled.
 */
int fixture_save(struct vm *vm, const struct fixture_source *src, json_t **meta,
		 struct err *err);

/*
 * Starts a QEMU that is all but running: a new VM (VM_NEW, of the image's
 * profile) becomes VM_BOOTING and waits.  to_save: it is to be saved again.
 * seed: NULL, or what its random numbers shall come from (seed.h).
 * Waits for its turn at the gate; vm->waited says how long.
 */
int fixture_start(struct vm *vm, const struct image *img, bool to_save,
		  const uint64_t *seed, struct err *err);
/*
 * The same for one that may not be wanted: does not wait.  -EBUSY: no room for it.
 * Where it can, it runs already, until it is awake, and stands still until fixture_go().
 */
int fixture_start_spare(struct vm *vm, const struct image *img, struct err *err);
/*
 * Lets a started one run: VM_RUNNING, its clock set, its random numbers its own
 * (or those of its seed).  Its kernel log has a mark, at the
 * sequence number log_next of the meta: it was made before the save, so that a
 * resume need not pay for it.
 */
int fixture_go(struct vm *vm, const struct image *img, struct err *err);

#endif
