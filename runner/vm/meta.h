/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fixture was made from: a JSON object that lies beside it.
 *
 *	format, name, script, profile
 *	accel, host, tsc_khz, qemu, protocol, args	the machine it ran on
 *	memory, cpus, append, disks, release		its shape
 *	inputs: [{is, path, hash, id}]		files; id is a stat(2) that saves hashing
 *	parents: [{name, script, key}]		fixtures it was resumed from
 *	key					the hash of all that, but shape and ids
 *	ram: {hash, size, id}, state: hash, layers: [hash or ""], built, seconds
 *	rng: {base, each, offsets, reseed}	addresses; see fixture.h
 *	log_next, plain			as settle's reply had them (agent/wire/ops.h)
 */
#ifndef RUNNER_VM_META_H
#define RUNNER_VM_META_H

#include <jansson.h>
#include <stdbool.h>

#include "runner/base/err.h"
#include "runner/base/hash.h"
#include "runner/vm/vm.h"

#define META_FORMAT 1

/* Where a fixture comes from, as the harness knows it. */
struct fixture_source {
	const char *name;
	const char *script;		/* absolute path */
	const json_t *inputs;		/* paths: all that the script loaded and used */
	const json_t *parents;		/* as in the meta */
	int64_t started_ns;		/* CLOCK_REALTIME, before anything was read */
};

/*
 * The meta of what vm is, without what is known only after it was saved.  NULL
 * with err filled: an input is gone, or was changed while the script ran.
 */
json_t *meta_make(const struct vm *vm, const struct fixture_source *src,
		  struct err *err);
/* What key it should have, by what it says itself. */
void meta_key(const json_t *meta, char hex[HASH_HEX]);
/*
 * Is it what would be made here and now, but for its parents?  If not, why: in a
 * few words ("kernel changed").
 */
bool meta_is_current(const json_t *meta, const char *name, const char *script,
		     char *why, size_t cap);
/* The shape it says, into vm's opts and accel; the profile is loaded.  0 or
 * -errno with err filled. */
int meta_shape(const json_t *meta, struct vm *vm, struct err *err);
/* Size, dates and inode of an open file: the same as long as nobody touched it.
 * The caller frees. */
char *meta_identity(int fd);
/* What `qemu --version` says, "" if it does not run.  The caller frees. */
char *meta_qemu_version(void);
/* "" when it is not there or no string. */
const char *meta_text(const json_t *meta, const char *key);

#endif
