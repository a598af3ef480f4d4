// SPDX-License-Identifier: GPL-2.0-only
/* A VM saved, and resumed as often as wanted; see fixture.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/sparse.h"
#include "runner/qemu/migrate.h"
#include "runner/machine/qcow2.h"
#include "runner/vm/fixture.h"
#include "runner/vm/launch.h"
#include "runner/vm/seed.h"
#include "runner/vm/wake.h"

/*
 * What the guest has to clean up after its last call (RCU, mostly) it does before it
 * is saved, rather than after each resume.
 */
#define QUIET_MS 40

/* --- before it is saved --- */

static int add_layer(struct disk *d, struct err *err)
{
	uint64_t size;
	int ret;

	if (d->readonly)
		return 0;
	ret = qcow2_disk_size(d->path, d->format, &size, err);
	if (!ret)
		ret = qcow2_layer(store_path(), size, err);
	if (ret < 0)
		return ret;
	d->layer_fd = ret;
	return 0;
}

int fixture_prepare(struct vm *vm, struct vm_opts *opts, struct err *err)
{
	int ret = 0;

	vm->ram_fd = sparse_create(store_path(), opts->memory, err);
	if (vm->ram_fd < 0)
		return vm->ram_fd;
	vm->ram_shared = true;
	for (size_t i = 0; !ret && i < opts->nr_disks; i++)
		ret = add_layer(&opts->disks[i], err);
	return ret;
}

/* --- saving --- */

/* The same kernel as the parent's, if there is one: asked for once. */
static int settle(struct vm *vm, const struct fixture_source *src, json_t **rng,
		  struct wire_settle_rep *rep, struct err *err)
{
	json_t *parent = json_array_get(src->parents, 0);
	json_t *known = json_object_get(parent, "rng");
	char what[128];
	int ret;

	snprintf(what, sizeof(what), "fixture %s", src->name);
	ret = wake_settle(vm, what, !known, rep, err);
	if (ret)
		return ret;
	*rng = known ? json_incref(known) :
		json_pack("{s:I, s:I, s:I, s:I}", "base", (json_int_t)rep->base,
			  "each", (json_int_t)rep->each,
			  "offsets", (json_int_t)rep->offsets,
			  "reseed", (json_int_t)rep->reseed);
	return 0;
}

static int commit(struct vm *vm, json_t *meta, const struct buf *state,
		  struct err *err)
{
	int *layers = xcalloc(vm->opts.nr_disks + 1, sizeof(*layers)), ret;

	for (size_t i = 0; i < vm->opts.nr_disks; i++) {
		int fd = vm->opts.disks[i].layer_fd;

		layers[i] = fd ? fd : -1;
	}
	ret = store_commit(meta, vm->ram_fd, layers, vm->opts.nr_disks, state, err);
	free(layers);
	return ret;
}

int fixture_save(struct vm *vm, const struct fixture_source *src, json_t **meta,
		 struct err *err)
{
	struct buf state = { 0 };
	struct wire_settle_rep rep = { 0 };
	json_t *rng = NULL;
	int ret;

	*meta = NULL;
	if (vm_check_running(vm, err))
		return -ENOTCONN;
	if (vm->ram_fd < 0 || !vm->ram_shared)
		return err_set(err, ERR_BROKEN, -EINVAL,
			       "this VM was not booted to be saved");
	ret = settle(vm, src, &rng, &rep, err);
	vm_disconnect(vm, wake_deadline(vm));
	if (!ret) {
		poll(NULL, 0, QUIET_MS);
		ret = migrate_out(&vm->qmp, &vm->qemu, &state,
				  wake_deadline(vm), err);
	}
	vm_kill(vm);
	if (!ret)
		*meta = meta_make(vm, src, err);
	if (*meta) {
		json_object_set(*meta, "rng", rng);
		json_object_set_new(*meta, "log_next",
				    json_integer((json_int_t)rep.log));
		json_object_set_new(*meta, "plain", json_boolean(rep.plain));
	}
	ret = ret || !*meta ? -EIO : commit(vm, *meta, &state, err);
	if (ret) {
		json_decref(*meta);
		*meta = NULL;
	}
	json_decref(rng);
	buf_release(&state);
	return ret;
}

/* --- resuming --- */

static int dup_fd(int fd, struct err *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? err_set(err, ERR_BROKEN, -errno, "dup: %s",
				  strerror(errno)) : copy;
}

/* A clone writes into a layer of its own above the saved one. */
static int resume_layer(struct disk *d, int saved, bool to_save, struct err *err)
{
	uint64_t size;
	int fd;

	if (saved < 0)
		return 0;
	if (to_save) {
		fd = sparse_copy(store_path(), saved, err);
	} else if (!qcow2_disk_size(d->path, d->format, &size, err)) {
		fd = dup_fd(saved, err);
		d->backing_fd = fd < 0 ? 0 : fd;
		if (fd >= 0)
			fd = qcow2_layer(store_path(), size, err);
	} else {
		fd = -EIO;
	}
	if (fd < 0)
		return fd;
	d->layer_fd = fd;
	return 0;
}

static int take_memory(struct vm *vm, const struct image *img, bool to_save,
		       struct err *err)
{
	int ret = 0;

	vm->ram_shared = to_save;
	vm->ram_fd = to_save ? sparse_copy(store_path(), img->ram_fd, err) :
			       dup_fd(img->ram_fd, err);
	if (vm->ram_fd < 0)
		return vm->ram_fd;
	for (size_t i = 0; !ret && i < vm->opts.nr_disks && i < img->nr_layers; i++)
		ret = resume_layer(&vm->opts.disks[i], img->layer_fds[i],
				   to_save, err);
	return ret;
}

static int enter(struct vm *vm, bool spare, struct err *err)
{
	if (!spare)
		return gate_enter(&vm->pass, vm->opts.memory, vm->opts.cpus,
				  &vm->waited, err);
	if (!gate_try(&vm->pass, vm->opts.memory, vm->opts.cpus))
		return err_set(err, ERR_BROKEN, -EBUSY, "no room for a spare");
	return 0;
}

static int start(struct vm *vm, const struct image *img, bool to_save, bool spare,
		 struct err *err)
{
	int ret;

	if (vm->state != VM_NEW)
		return err_set(err, ERR_BROKEN, -EBUSY, "a VM resumes once");
	ret = meta_shape(img->meta, vm, err);
	vm->state = VM_BOOTING;
	if (!ret)
		ret = enter(vm, spare, err);
	if (!ret)
		ret = take_memory(vm, img, to_save, err);
	if (!ret)
		ret = vm->seeded ? launch_seeded(vm, err) :
				   launch_qemu(vm, true, err);
	if (!ret) {
		gate_started(&vm->pass, vm->qemu.pid);
		ret = migrate_expect(&vm->qmp, img->state_fd, false, err);
	}
	if (ret) {
		err_context(err, "resume %s", meta_text(img->meta, "name"));
		vm_kill(vm);
	}
	return ret;
}

int fixture_start(struct vm *vm, const struct image *img, bool to_save,
		  const uint64_t *seed, struct err *err)
{
	vm->seeded = seed;
	vm->seed = seed ? *seed : 0;
	return start(vm, img, to_save, false, err);
}

/* While it is stopped; then it may run. */
static int set_seed(struct vm *vm, const struct image *img, struct err *err)
{
	int64_t deadline = wake_deadline(vm);
	int ret = migrate_await(&vm->qmp, &vm->qemu, deadline, err);

	if (!ret)
		ret = seed_guest(vm->gdb_fd, json_object_get(img->meta, "rng"),
				 vm->opts.cpus, vm->seed, deadline, err);
	return ret ? ret : migrate_command(&vm->qmp, &vm->qemu, "cont", NULL,
					   deadline, err);
}

static bool is_plain(const struct image *img)
{
	return json_is_true(json_object_get(img->meta, "plain"));
}

/* It runs, soon, and has been told what time it is. */
static int begin(struct vm *vm, const struct image *img, struct err *err)
{
	int ret = migrate_in(&vm->qmp, err);

	if (!ret && vm->gdb_fd >= 0)
		ret = set_seed(vm, img, err);
	/* Not before it runs: what it finds in its queues then is lost in its reset. */
	if (!ret && vm->vsock.cid && vm->gdb_fd < 0)
		ret = migrate_await(&vm->qmp, &vm->qemu, wake_deadline(vm), err);
	vm->state = VM_RUNNING;
	vm->ready = true;
	if (!ret)
		ret = vm_connect(vm, wake_deadline(vm), err);
	return ret ? ret : wake_begin(vm, is_plain(img), !vm->seeded, err);
}

/* A connection over vsock takes several looks at it: there, a spare waits before it runs. */
int fixture_start_spare(struct vm *vm, const struct image *img, struct err *err)
{
	int ret = start(vm, img, false, true, err);

	if (!ret && !vm->vsock.cid) {
		ret = begin(vm, img, err);
		if (!ret)
			vm_look_after(vm);
		else
			vm_kill(vm);
	}
	return ret;
}

/* It has run already, and may stand still since. */
static int go_on(struct vm *vm, const struct image *img, struct err *err)
{
	int ret = wake_end(vm, err);

	if (ret || !vm->rests)
		return ret;
	vm->rests = false;
	ret = migrate_command(&vm->qmp, &vm->qemu, "cont", NULL, wake_deadline(vm), err);
	return ret ? ret : wake_begin(vm, is_plain(img), false, err);
}

int fixture_go(struct vm *vm, const struct image *img, struct err *err)
{
	int ret = gate_run(&vm->pass, &vm->waited, err);

	if (vm->wake)
		vm_look_after(NULL);
	if (!ret)
		ret = vm->wake ? go_on(vm, img, err) : begin(vm, img, err);
	if (!ret && vm->wake)
		ret = wake_end(vm, err);
	vm->ready_ns = clock_ns();
	if (ret) {
		err_context(err, "resume %s", meta_text(img->meta, "name"));
		vm_kill(vm);
	}
	return ret;
}
