/* SPDX-License-Identifier: GPL-2.0-only */
/* SIDs, ACLs and security descriptors: what is well formed, and what it grants to whom. */
#ifndef KACS_SD_H
#define KACS_SD_H

#include <linux/types.h>

struct kacs_token;

#define SID_MAX_LEN (8 + 4 * 15)

/* The length of the SID at @sid, of which there are @room bytes; or -EINVAL. */
int sid_check(const u8 *sid, size_t room);

/* Of a SID that was checked. */
size_t sid_len(const u8 *sid);
bool sid_equal(const u8 *a, const u8 *b);

/* Part of a descriptor: a SID or an ACL. */
struct sd_part {
	const u8 *at;			/* NULL: there is none */
	size_t len;
};

enum { SD_OWNER, SD_GROUP, SD_SACL, SD_DACL, NR_SD_PARTS };

/* A descriptor taken apart; the parts are in the bytes that it was parsed from. */
struct sd {
	u16 control;
	struct sd_part parts[NR_SD_PARTS];
};

/* -EINVAL: malformed. */
int sd_parse(struct sd *sd, const u8 *bytes, size_t len);

/* Takes the parts named in @info (KACS_SD_*) from @from, with their control bits. */
void sd_replace(struct sd *sd, const struct sd *from, u32 info);

/* How long it is when written; sd_write() needs as much room. */
size_t sd_size(const struct sd *sd);
void sd_write(const struct sd *sd, u8 *to);

/* Whether it has all that @info asks of it: no owner or group is left out. */
bool sd_has_sids(const struct sd *sd, u32 info);

/* The rights of @desired that @token has, its generic rights mapped; or -EACCES. */
s64 sd_access(const struct sd *sd, const struct kacs_token *token, u32 desired);

#endif
