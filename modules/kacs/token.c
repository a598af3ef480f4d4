// SPDX-License-Identifier: GPL-2.0-only
/* Makes tokens, counts references to them, and looks up SIDs in them. */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bytes.h"
#include "token.h"

atomic_t kacs_nr_tokens = ATOMIC_INIT(-1);
struct kacs_token *kacs_system;

static atomic64_t last_id;

static const u8 sid_system[] = { 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0 };
static const u8 sid_everyone[] = { 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 };

/* The groups Administrators (S-1-5-32-544) and Everyone, both enabled. */
static const u8 system_groups[] = {
	2, 0, 0, 0,
	0x0f, 0, 0, 0, 16, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0,
	0x07, 0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
};

static struct kacs_token *token_alloc(const u8 *user, const u8 *groups, size_t groups_len)
{
	struct kacs_token *token;

	token = kzalloc(struct_size(token, groups, groups_len), GFP_KERNEL_ACCOUNT);
	if (!token)
		return ERR_PTR(-ENOMEM);
	refcount_set(&token->refs, 1);
	init_waitqueue_head(&token->wait);
	token->id = atomic64_inc_return(&last_id);
	token->owner = current_euid();
	memcpy(token->user, user, sid_len(user));
	token->nr_groups = get_unaligned_le32(groups);
	token->groups_len = groups_len;
	memcpy(token->groups, groups, groups_len);
	atomic_inc(&kacs_nr_tokens);
	return token;
}

int kacs_token_init(void)
{
	kacs_system = token_alloc(sid_system, system_groups, sizeof(system_groups));
	return PTR_ERR_OR_ZERO(kacs_system);
}

void kacs_token_exit(void)
{
	kacs_token_put(kacs_system);
}

/* A group in a list consists of u32 flags, u32 length and the SID. */

static const u8 *group_sid(const u8 *group)
{
	return group + 8;
}

static size_t group_len(const u8 *group)
{
	return 8 + get_unaligned_le32(group + 4);
}

static int group_check(const u8 *group, size_t room)
{
	if (room < 8 || get_unaligned_le32(group) & ~KACS_GROUP_ALL ||
	    get_unaligned_le32(group + 4) > room - 8)
		return -EINVAL;
	if (sid_check(group_sid(group), room - 8) != get_unaligned_le32(group + 4))
		return -EINVAL;
	return 0;
}

static int groups_check(const u8 *groups, size_t len)
{
	size_t at = 4;
	u32 i, n;

	if (len < 4)
		return -EINVAL;
	n = get_unaligned_le32(groups);
	if (n > KACS_MAX_GROUPS)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (group_check(groups + at, len - at))
			return -EINVAL;
		at += group_len(groups + at);
	}
	return at == len ? 0 : -EINVAL;
}

struct kacs_token *kacs_token_parse(const u8 *spec, size_t len)
{
	static const u8 no_groups[4];
	u8 user[16] = { 1, 2, 0, 0, 0, 0, 0, 22, 1 };	/* S-1-22-1-… */
	size_t head = sizeof(struct kacs_token_spec);

	if (len < head || get_unaligned_le32(spec) != 1)
		return ERR_PTR(-EINVAL);
	put_unaligned_le32(get_unaligned_le32(spec + 4), user + 12);
	if (len == head)
		return token_alloc(user, no_groups, sizeof(no_groups));
	if (groups_check(spec + head, len - head))
		return ERR_PTR(-EINVAL);
	return token_alloc(user, spec + head, len - head);
}

struct kacs_token *kacs_token_duplicate(const struct kacs_token *token)
{
	struct kacs_token *copy = token_alloc(token->user, token->groups, token->groups_len);

	if (!IS_ERR(copy))
		copy->origin = token->id;
	return copy;
}

struct kacs_token *kacs_token_get(struct kacs_token *token)
{
	refcount_inc(&token->refs);
	return token;
}

void kacs_token_put(struct kacs_token *token)
{
	if (!refcount_dec_and_test(&token->refs))
		return;
	atomic_dec(&kacs_nr_tokens);
	kfree(token);
}

static u32 flags_to_member(u32 flags)
{
	if (flags & KACS_GROUP_DENY_ONLY)
		return KACS_MEMBER_DENY_ONLY;
	return flags & KACS_GROUP_ENABLED ? KACS_MEMBER_YES : KACS_MEMBER_NO;
}

u32 kacs_token_member(const struct kacs_token *token, const u8 *sid)
{
	const u8 *group = token->groups + 4;
	u32 i, best = KACS_MEMBER_NO;

	if (sid_equal(sid, token->user) || sid_equal(sid, sid_everyone))
		return KACS_MEMBER_YES;
	for (i = 0; i < token->nr_groups; i++, group += group_len(group))
		if (sid_equal(sid, group_sid(group)))
			best = max(best, flags_to_member(get_unaligned_le32(group)));
	return best;
}

bool kacs_token_is_revoked(const struct kacs_token *token)
{
	return READ_ONCE(token->revoked);
}

void kacs_token_revoke(struct kacs_token *token)
{
	WRITE_ONCE(token->revoked, true);
	wake_up_all(&token->wait);
}
