/* SPDX-License-Identifier: GPL-2.0-only */
/* Tokens: who a task is. They do not change but for being revoked, once and for good. */
#ifndef KACS_TOKEN_H
#define KACS_TOKEN_H

#include <linux/refcount.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

#include "kacs.h"
#include "sd.h"

struct kacs_token {
	refcount_t refs;
	atomic_t tasks;			/* that have it installed (tasks.c) */
	u64 id;
	u64 origin;
	kuid_t owner;			/* who may revoke it */
	bool revoked;
	wait_queue_head_t wait;		/* for revoked */
	u8 user[SID_MAX_LEN];
	u32 nr_groups;
	size_t groups_len;
	u8 groups[];			/* as a spec has them, and a query: count and all */
};

extern atomic_t kacs_nr_tokens;		/* without SYSTEM's */
extern struct kacs_token *kacs_system;	/* S-1-5-18, never revoked */

int kacs_token_init(void);		/* makes kacs_system */
void kacs_token_exit(void);

/* From the bytes of a spec; its owner is the caller. -EINVAL, -ENOMEM. */
struct kacs_token *kacs_token_parse(const u8 *spec, size_t len);
struct kacs_token *kacs_token_duplicate(const struct kacs_token *token);

struct kacs_token *kacs_token_get(struct kacs_token *token);
void kacs_token_put(struct kacs_token *token);	/* from any context */

/* KACS_MEMBER_*: how the SID counts. Everyone (S-1-1-0) is every token. */
u32 kacs_token_member(const struct kacs_token *token, const u8 *sid);

bool kacs_token_is_revoked(const struct kacs_token *token);
void kacs_token_revoke(struct kacs_token *token);

#endif
