// SPDX-License-Identifier: GPL-2.0-only
/* Parses, splits, assembles and evaluates security descriptors. */

#include <linux/errno.h>
#include <linux/string.h>

#include "bytes.h"
#include "kacs.h"
#include "sd.h"
#include "token.h"

/*
 * A SID, [MS-DTYP] 2.4.2: revision, count of sub-authorities, 6 bytes
 * authority, count times u32.
 */

int sid_check(const u8 *sid, size_t room)
{
	if (room < 8 || sid[0] != 1 || sid[1] > 15 || room < sid_len(sid))
		return -EINVAL;
	return sid_len(sid);
}

size_t sid_len(const u8 *sid)
{
	return 8 + 4 * sid[1];
}

bool sid_equal(const u8 *a, const u8 *b)
{
	return a[1] == b[1] && !memcmp(a, b, sid_len(a));
}

/*
 * An ACE, [MS-DTYP] 2.4.4.1: type, flags, u16 size; then, in the types used
 * here, u32 mask and a SID.
 */

#define ACE_HEAD	8
#define ACE_ALLOWED	0x00
#define ACE_DENIED	0x01
#define ACE_AUDIT	0x02
#define ACE_LABEL	0x11
#define ACE_INHERIT_ONLY 0x08

static size_t ace_size(const u8 *ace)
{
	return get_unaligned_le16(ace + 2);
}

static u32 ace_mask(const u8 *ace)
{
	return get_unaligned_le32(ace + 4);
}

static bool ace_belongs(u8 type, int part)
{
	if (part == SD_DACL)
		return type == ACE_ALLOWED || type == ACE_DENIED;
	return type == ACE_AUDIT || type == ACE_LABEL;
}

static int ace_check(const u8 *ace, size_t room, int part)
{
	if (room < ACE_HEAD || ace_size(ace) > room || ace_size(ace) < ACE_HEAD ||
	    ace_size(ace) % 4 || !ace_belongs(ace[0], part))
		return -EINVAL;
	return sid_check(ace + ACE_HEAD, ace_size(ace) - ACE_HEAD);
}

/* An ACL, [MS-DTYP] 2.4.5: revision, 0, u16 size, u16 count, u16 0; ACEs. */

#define ACL_HEAD 8

static u16 acl_count(const u8 *acl)
{
	return get_unaligned_le16(acl + 4);
}

/* Returns the length of the ACL, or -EINVAL. */
static int acl_check(const u8 *acl, size_t room, int part)
{
	size_t size, at = ACL_HEAD;
	u16 i;

	if (room < ACL_HEAD || (acl[0] != 2 && acl[0] != 4) || acl[1] ||
	    get_unaligned_le16(acl + 6))
		return -EINVAL;
	size = get_unaligned_le16(acl + 2);
	if (size < ACL_HEAD || size > room || size % 4)
		return -EINVAL;
	for (i = 0; i < acl_count(acl); i++) {
		if (ace_check(acl + at, size - at, part) < 0)
			return -EINVAL;
		at += ace_size(acl + at);
	}
	return size;
}

/*
 * A descriptor, [MS-DTYP] 2.4.6: revision, 0, u16 control, then u32 offsets of
 * owner, group, SACL, DACL.
 */

#define SD_HEAD			20
#define SE_DACL_PRESENT		0x0004
#define SE_SACL_PRESENT		0x0010
#define SE_SELF_RELATIVE	0x8000

static const struct {
	u32 info;			/* KACS_SD_* */
	u16 control;			/* control bits that belong to the part */
	u16 present;			/* control bit without which an ACL is absent */
} part_of[NR_SD_PARTS] = {
	[SD_OWNER] = { KACS_SD_OWNER, 0x0001, 0 },
	[SD_GROUP] = { KACS_SD_GROUP, 0x0002, 0 },
	[SD_SACL]  = { KACS_SD_SACL, 0x2a30, SE_SACL_PRESENT },
	[SD_DACL]  = { KACS_SD_DACL, 0x150c, SE_DACL_PRESENT },
};

static int parse_part(struct sd *sd, const u8 *bytes, size_t len, int part)
{
	size_t offset = get_unaligned_le32(bytes + 4 + 4 * part);
	bool is_acl = part_of[part].present;
	int ret;

	/*
	 * An ACL that is present at offset 0 is a null ACL, which is treated
	 * like none.
	 */
	if (!offset || (is_acl && !(sd->control & part_of[part].present)))
		return 0;
	if (offset < SD_HEAD || offset > len)
		return -EINVAL;
	ret = is_acl ? acl_check(bytes + offset, len - offset, part) :
		       sid_check(bytes + offset, len - offset);
	if (ret < 0)
		return ret;
	sd->parts[part] = (struct sd_part){ bytes + offset, ret };
	return 0;
}

int sd_parse(struct sd *sd, const u8 *bytes, size_t len)
{
	int i, ret = 0;

	*sd = (struct sd){ 0 };
	if (len < SD_HEAD || bytes[0] != 1 || bytes[1])
		return -EINVAL;
	sd->control = get_unaligned_le16(bytes + 2);
	if (!(sd->control & SE_SELF_RELATIVE))
		return -EINVAL;
	for (i = 0; !ret && i < NR_SD_PARTS; i++)
		ret = parse_part(sd, bytes, len, i);
	return ret;
}

void sd_replace(struct sd *sd, const struct sd *from, u32 info)
{
	int i;

	for (i = 0; i < NR_SD_PARTS; i++) {
		if (!(info & part_of[i].info))
			continue;
		sd->parts[i] = from->parts[i];
		sd->control &= ~part_of[i].control;
		sd->control |= from->control & part_of[i].control;
	}
	sd->control |= SE_SELF_RELATIVE;
}

bool sd_has_sids(const struct sd *sd, u32 info)
{
	return (!(info & KACS_SD_OWNER) || sd->parts[SD_OWNER].at) &&
	       (!(info & KACS_SD_GROUP) || sd->parts[SD_GROUP].at);
}

size_t sd_size(const struct sd *sd)
{
	size_t size = SD_HEAD;
	int i;

	for (i = 0; i < NR_SD_PARTS; i++)
		size += sd->parts[i].len;
	return size;
}

void sd_write(const struct sd *sd, u8 *to)
{
	size_t at = SD_HEAD;
	int i;

	memset(to, 0, SD_HEAD);
	to[0] = 1;
	put_unaligned_le16(sd->control, to + 2);
	for (i = 0; i < NR_SD_PARTS; i++) {
		if (!sd->parts[i].at)
			continue;
		put_unaligned_le32(at, to + 4 + 4 * i);
		memcpy(to + at, sd->parts[i].at, sd->parts[i].len);
		at += sd->parts[i].len;
	}
}

/* Replaces generic rights by their meaning for files. */
static u32 map_generic(u32 mask)
{
	static const u32 map[][2] = {
		{ KACS_GENERIC_READ, KACS_FILE_READ },
		{ KACS_GENERIC_WRITE, KACS_FILE_WRITE },
		{ KACS_GENERIC_EXECUTE, KACS_FILE_EXECUTE },
		{ KACS_GENERIC_ALL, KACS_FILE_ALL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (mask & map[i][0])
			mask = (mask & ~map[i][0]) | map[i][1];
	return mask;
}

/*
 * Returns the rights that the ACEs allow.  If several ACEs name a right, the
 * first one decides.
 */
static u32 walk_dacl(const u8 *acl, const struct kacs_token *token)
{
	const u8 *ace = acl + ACL_HEAD;
	u32 allowed = 0, denied = 0, undecided;
	u16 i;

	for (i = 0; i < acl_count(acl); i++, ace += ace_size(ace)) {
		u32 counts = kacs_token_member(token, ace + ACE_HEAD);

		if (ace[1] & ACE_INHERIT_ONLY)
			continue;
		undecided = map_generic(ace_mask(ace)) & ~(allowed | denied);
		if (ace[0] == ACE_DENIED && counts != KACS_MEMBER_NO)
			denied |= undecided;
		else if (ace[0] == ACE_ALLOWED && counts == KACS_MEMBER_YES)
			allowed |= undecided;
	}
	return allowed;
}

s64 sd_access(const struct sd *sd, const struct kacs_token *token, u32 desired)
{
	bool maximum = desired & KACS_MAXIMUM_ALLOWED;
	const u8 *dacl = sd->parts[SD_DACL].at;
	u32 allowed;

	desired = map_generic(desired & ~KACS_MAXIMUM_ALLOWED);
	allowed = dacl ? walk_dacl(dacl, token) : KACS_FILE_ALL | desired;
	if ((desired & ~allowed) || (maximum && !allowed))
		return -EACCES;
	return maximum ? allowed : desired;
}
