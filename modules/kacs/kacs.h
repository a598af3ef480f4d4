/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constants and structs that user space shares with kacs.  The system calls
 * themselves are in kacs.def.
 */
#ifndef KACS_H
#define KACS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * All integers are little-endian.  SIDs, ACEs, ACLs and self-relative security
 * descriptors have Windows' layout ([MS-DTYP] 2.4).
 */

#define KACS_MAX_BYTES	65536		/* a spec, a descriptor, a list; more is E2BIG */
#define KACS_MAX_GROUPS	1024

/* The rights of a token's descriptor: operations that it allows. */
#define KACS_TOKEN_ASSIGN	0x1	/* install_token */
#define KACS_TOKEN_DUPLICATE	0x2
#define KACS_TOKEN_IMPERSONATE	0x4	/* install_token, as well */
#define KACS_TOKEN_QUERY	0x8	/* all other ioctls, wait_token, access_check */
#define KACS_TOKEN_ALL		0xf

/* Flags of a group in a token. */
/* MANDATORY, DEFAULT and OWNER have no effect in this module. */
#define KACS_GROUP_MANDATORY	0x01
#define KACS_GROUP_DEFAULT	0x02
/* The group counts in ACEs that allow and in ACEs that deny. */
#define KACS_GROUP_ENABLED	0x04
#define KACS_GROUP_OWNER	0x08
/* The group counts in ACEs that deny, even without ENABLED. */
#define KACS_GROUP_DENY_ONLY	0x10
#define KACS_GROUP_ALL		0x1f

/*
 * The spec of create_token: version, user, then nothing or
 *
 * 	u32 count, and count times: u32 flags (KACS_GROUP_*), u32 length, SID
 *
 * The user's SID is S-1-22-1-user.
 */
struct kacs_token_spec {
	__u32 version;			/* 1 */
	__u32 user;
};

/* The parts of a security descriptor. */
#define KACS_SD_OWNER	0x1
#define KACS_SD_GROUP	0x2
#define KACS_SD_DACL	0x4
#define KACS_SD_SACL	0x8
#define KACS_SD_ALL	0xf

/*
 * Rights.  Generic rights are mapped to those of files; MAXIMUM asks for all
 * rights that the token has.
 */
#define KACS_MAXIMUM_ALLOWED	0x02000000
#define KACS_GENERIC_ALL	0x10000000
#define KACS_GENERIC_EXECUTE	0x20000000
#define KACS_GENERIC_WRITE	0x40000000
#define KACS_GENERIC_READ	0x80000000
#define KACS_FILE_ALL		0x001f01ff
#define KACS_FILE_EXECUTE	0x001200a0
#define KACS_FILE_WRITE		0x00120116
#define KACS_FILE_READ		0x00120089

struct kacs_access_check_args {
	/*
	 * Size of this struct, at least 24; bytes after the known fields are
	 * not read.
	 */
	__u32 size;
	__s32 token_fd;			/* -1: the caller's own token */
	__u64 sd_ptr;			/* offset 8 */
	__u32 sd_len;
	__u32 desired;
};

/*
 * Ioctls on a token's descriptor.  All of them return EACCES if the descriptor
 * was opened without the right named at the ioctl, EFAULT for a bad pointer,
 * ENOTTY for an unknown command.  If a list does not fit into its buffer, they
 * return ERANGE, and the list's length.
 */

/* Values of the member class. */
#define KACS_QUERY_USER		1	/* a SID */
#define KACS_QUERY_TYPE		2	/* u32: KACS_TYPE_PRIMARY */
#define KACS_QUERY_GROUPS	3	/* u32 count, then the groups as in token.h */
#define KACS_QUERY_STATISTICS	4	/* a struct kacs_statistics */

#define KACS_TYPE_PRIMARY	1

struct kacs_query {
	__u32 class;			/* another one: EINVAL */
	/* In: room, 0 to ask for the length. out: the length. */
	__u32 buf_len;
	__u64 buf;			/* offset 8 */
};

struct kacs_statistics {
	__u64 id;			/* never used again while the module is loaded */
	__u64 origin;			/* id of the token from which this one
					 * was duplicated, or 0 */
	__u32 type;
	__u32 groups;
	/* Number of tasks that have the token installed; 0 for SYSTEM's. */
	__u32 tasks;
	__u32 revoked;			/* 0 or 1 */
};

/* 0xC0104B00, QUERY */
#define KACS_IOC_QUERY		_IOWR('K', 0, struct kacs_query)

struct kacs_members {
	__u32 in_len;			/* E2BIG; EINVAL: not a list of SIDs */
	__u32 out_len;			/* in: room. out: 4 bytes for each SID */
	__u64 in;			/* offset 8: SIDs, one after the other */
	__u64 out;			/* offset 16: for each a u32, KACS_MEMBER_* */
};

#define KACS_MEMBER_NO		0
#define KACS_MEMBER_DENY_ONLY	1
#define KACS_MEMBER_YES		2

/*
 * 0xC0184B01, QUERY: two pointers in one struct.  Tells for each SID how it
 * counts in this token.
 */
#define KACS_IOC_MEMBERS	_IOWR('K', 1, struct kacs_members)

struct kacs_object {
	__u32 sd_len;			/* E2BIG */
	__u32 desired;
	__u64 sd;			/* offset 8; EINVAL: malformed */
};

struct kacs_check {
	__u32 flags;			/* 0, else EINVAL */
	__u32 granted;			/* out */
	__u64 object;			/* offset 8: a struct kacs_object */
};

/*
 * 0xC0104B02, QUERY: a struct that points to another struct with pointers.
 * Checks access as access_check does, but with this token.  If access is
 * denied, the result and granted are 0, because EACCES could also mean a
 * missing right of the descriptor.  EKEYREVOKED if the token was revoked.
 */
#define KACS_IOC_CHECK		_IOWR('K', 2, struct kacs_check)

struct kacs_duplicate {
	__u32 access;			/* KACS_TOKEN_*, else EINVAL */
	__u32 flags;			/* 0, else EINVAL */
};

/*
 * 0x40084B03, DUPLICATE: makes a new token with the same user and groups, whose
 * owner is the caller, and returns a descriptor for it.  EKEYREVOKED if the
 * token was revoked.
 */
#define KACS_IOC_DUPLICATE	_IOW('K', 3, struct kacs_duplicate)

#endif
