/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tokens: the identity of a task.  A token never changes, except that it can be
 * revoked once and for good.
 */
#ifndef KACS_TOKEN_H
#define KACS_TOKEN_H

#include <linux/refcount.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include "kacs.h"
#include "sd.h"

struct kacs_token {
	refcount_t refs;
	/* Number of tasks that have the token installed (task.c). */
	atomic_t tasks;
	u64 id;
	u64 origin;
	kuid_t owner;			/* the user who can revoke it */
	bool revoked;
	wait_queue_head_t wait;		/* woken when the token is revoked */
	u8 user[SID_MAX_LEN];
	u32 nr_groups;
	size_t groups_len;
	/*
	 * The groups as in a spec of create_token: u32 count, then the groups.
	 */
	u8 groups[];
};

extern atomic_t kacs_nr_tokens;		/* number of tokens other than SYSTEM's */
extern struct kacs_token *kacs_system;	/* the token of S-1-5-18, never revoked */

int kacs_token_init(void);		/* makes kacs_system */
void kacs_token_exit(void);

/*
 * Makes a token from the bytes of a spec; its owner is the caller.  -EINVAL,
 * -ENOMEM.
 */
struct kacs_token *kacs_token_parse(const u8 *spec, size_t len);
struct kacs_token *kacs_token_duplicate(const struct kacs_token *token);

struct kacs_token *kacs_token_get(struct kacs_token *token);
void kacs_token_put(struct kacs_token *token);	/* can be called in any context */

/*
 * Returns KACS_MEMBER_*: how the SID counts in the token.  Every token has
 * Everyone (S-1-1-0).
 */
u32 kacs_token_member(const struct kacs_token *token, const u8 *sid);

bool kacs_token_is_revoked(const struct kacs_token *token);
void kacs_token_revoke(struct kacs_token *token);

#endif
