/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIDs, ACLs and security descriptors: checks that they are well formed, and
 * evaluates them.
 */
#ifndef KACS_SD_H
#define KACS_SD_H

#include <linux/types.h>

struct kacs_token;

#define SID_MAX_LEN (8 + 4 * 15)

/*
 * Returns the length of the SID at @sid, where @room bytes can be read; or
 * -EINVAL.
 */
int sid_check(const u8 *sid, size_t room);

/* Returns the length of a SID that was checked. */
size_t sid_len(const u8 *sid);
bool sid_equal(const u8 *a, const u8 *b);

/* A part of a descriptor: a SID or an ACL. */
struct sd_part {
	const u8 *at;			/* NULL: there is none */
	size_t len;
};

enum { SD_OWNER, SD_GROUP, SD_SACL, SD_DACL, NR_SD_PARTS };

/*
 * A descriptor split into parts, which point into the bytes from which it was
 * parsed.
 */
struct sd {
	u16 control;
	struct sd_part parts[NR_SD_PARTS];
};

/* Parses a descriptor.  -EINVAL: it is malformed. */
int sd_parse(struct sd *sd, const u8 *bytes, size_t len);

/*
 * Replaces the parts named in @info (KACS_SD_*) by those of @from, with their
 * control bits.
 */
void sd_replace(struct sd *sd, const struct sd *from, u32 info);

/* Returns the number of bytes that sd_write() writes. */
size_t sd_size(const struct sd *sd);
void sd_write(const struct sd *sd, u8 *to);

/*
 * Returns true if the descriptor has the owner and the group, as far as @info
 * names them.
 */
bool sd_has_sids(const struct sd *sd, u32 info);

/*
 * Returns the rights of @desired, with generic rights mapped, if @token has all
 * of them; else -EACCES.
 */
s64 sd_access(const struct sd *sd, const struct kacs_token *token, u32 desired);

#endif
