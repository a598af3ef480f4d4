/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where fixtures lie: STORE/NAME/KEY/{ram, state, meta, layerN}.
 *
 * STORE is $PROVIUM_STORE, else out/fixtures, if that is this user's own; else a
 * folder in the user's cache: nobody boots what somebody else could have written.
 * A fixture is written beside and renamed; it is not changed afterwards (ram
 * stays writable for its owner only because QEMU 7.2 cannot map a file
 * privately that it may not write).
 */
#ifndef RUNNER_VM_STORE_H
#define RUNNER_VM_STORE_H

#include <jansson.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/vm/meta.h"

/* A fixture, opened: what happens to the store afterwards does not touch it. */
struct image {
	json_t *meta;			/* NULL: none */
	int ram_fd;
	int *layer_fds;			/* one for each disk; -1: it has none */
	size_t nr_layers;
	int state_fd;			/* a copy of it, in memory */
};

void image_init(struct image *img);
void image_release(struct image *img);

/* Static; made if it is not there. */
const char *store_path(void);
/*
 * Looks for a current and sound one: 1 with img filled, which the caller
 * releases; 0 and why not ("kernel changed") in why, and in warning (else empty)
 * what is damaged.
 */
int store_find(const char *name, const char *script, struct image *img,
	       struct buf *why, struct buf *warning);
/*
 * The right to build NAME, until the descriptor is closed or its process dies;
 * what a builder that died has left is removed.  While another process has it,
 * waits_for(its pid) has been called, and waits_for(0) when that is over; or NULL.
 * -EINTR: a signal came.
 */
int store_lock(const char *name, void (*waits_for)(pid_t), struct err *err);
/*
 * Puts it there, for whoever has the lock; the oldest that are too many go.
 * layer_fds as in struct image.  meta gets the hashes.  0 or -errno with err filled.
 */
int store_commit(json_t *meta, int ram_fd, const int *layer_fds, size_t nr_layers,
		 const struct buf *state, struct err *err);
/* So little space left there that a failure is likely due to it. */
bool store_is_full(void);
/* [{name, key, bytes, current, why, meta}] of all there are, or of NAME's. */
json_t *store_list(const char *name);
/* Removes all of NAME's, or everything (NULL).  How many, or -errno with err filled. */
int store_clean(const char *name, struct err *err);

#endif
