// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system calls for security descriptors; kacs.def documents them.
 *
 * A file's descriptor is an extended attribute.  It exists as long as the
 * inode, is kept when the file is renamed, and is still there after the module
 * was unloaded and loaded again.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/xattr.h>

#include "file.h"
#include "kacs_calls.h"
#include "sd.h"
#include "task.h"
#include "token.h"
#include "user.h"

#define ATTRIBUTE XATTR_SECURITY_PREFIX "kacs"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define set_attribute(path, ...) __vfs_setxattr(mnt_idmap((path)->mnt), __VA_ARGS__)
#define is_owner(path) \
	inode_owner_or_capable(mnt_idmap((path)->mnt), d_inode((path)->dentry))
#else
#define set_attribute(path, ...) __vfs_setxattr(mnt_user_ns((path)->mnt), __VA_ARGS__)
#define is_owner(path) \
	inode_owner_or_capable(mnt_user_ns((path)->mnt), d_inode((path)->dentry))
#endif

static bool are_arguments(u32 info, u32 flags)
{
	return info && !(info & ~KACS_SD_ALL) &&
	       !(flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

/* Looks up the file @name, relative to the caller's directory and root. */
static int lookup(int dirfd, const char __user *name, u32 flags, struct path *path)
{
	unsigned int how = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	if (flags & AT_EMPTY_PATH)
		how |= LOOKUP_EMPTY;
	return user_path_at(dirfd, name, how, path);
}

/*
 * Reads and parses the attribute.  Returns its bytes, to be freed with
 * kvfree().  -ENODATA: there is none.
 */
static u8 *read_sd(struct dentry *dentry, struct sd *sd)
{
	ssize_t len = __vfs_getxattr(dentry, d_inode(dentry), ATTRIBUTE, NULL, 0);
	u8 *bytes;
	int ret;

	if (len < 0)
		return ERR_PTR(len);
	bytes = kvmalloc(KACS_MAX_BYTES, GFP_KERNEL);
	if (!bytes)
		return ERR_PTR(-ENOMEM);
	/* The attribute can have grown since its length was read. */
	len = __vfs_getxattr(dentry, d_inode(dentry), ATTRIBUTE, bytes, KACS_MAX_BYTES);
	/* A privileged user can have written anything to the attribute. */
	ret = len < 0 ? len : sd_parse(sd, bytes, len) ? -EIO : 0;
	if (!ret)
		return bytes;
	kvfree(bytes);
	return ERR_PTR(ret);
}

static u8 *put_together(const struct sd *sd, size_t *size)
{
	u8 *bytes;

	*size = sd_size(sd);
	if (*size > KACS_MAX_BYTES)
		return ERR_PTR(-E2BIG);
	bytes = kvmalloc(*size, GFP_KERNEL);
	if (!bytes)
		return ERR_PTR(-ENOMEM);
	sd_write(sd, bytes);
	return bytes;
}

/*
 * Copies the parts of @whole that @info names to @buf, if they fit into @len
 * bytes.  Returns their size.
 */
static long give(const struct sd *whole, u32 info, void __user *buf, size_t len)
{
	struct sd sd = { 0 };
	size_t size;
	u8 *bytes;
	long ret;

	sd_replace(&sd, whole, info);
	bytes = put_together(&sd, &size);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	ret = size <= len && copy_to_user(buf, bytes, size) ? -EFAULT : size;
	kvfree(bytes);
	return ret;
}

long kacs_get_sd(int dirfd, const char __user *path, u32 info, void __user *buf, size_t len,
		 u32 flags)
{
	struct path at;
	struct sd sd;
	u8 *bytes;
	long ret;

	if (!are_arguments(info, flags))
		return -EINVAL;
	ret = lookup(dirfd, path, flags, &at);
	if (ret)
		return ret;
	bytes = read_sd(at.dentry, &sd);
	ret = IS_ERR(bytes) ? PTR_ERR(bytes) : give(&sd, info, buf, len);
	if (!IS_ERR(bytes))
		kvfree(bytes);
	path_put(&at);
	return ret;
}

/*
 * Writes the file's old descriptor with the parts that @info names replaced by
 * those of @new.  The inode is locked.
 */
static int write_sd(const struct path *at, const struct sd *new, u32 info)
{
	struct sd sd = { 0 };
	u8 *former = read_sd(at->dentry, &sd), *bytes;
	size_t size;
	int ret;

	if (IS_ERR(former) && PTR_ERR(former) != -ENODATA)
		return PTR_ERR(former);
	sd_replace(&sd, new, info);
	bytes = put_together(&sd, &size);
	ret = PTR_ERR_OR_ZERO(bytes);
	if (!ret) {
		ret = set_attribute(at, at->dentry, d_inode(at->dentry), ATTRIBUTE, bytes, size, 0);
		kvfree(bytes);
	}
	if (!IS_ERR(former))
		kvfree(former);
	return ret;
}

/*
 * Checks that the caller owns the file, or overrides that by CAP_FOWNER, and
 * writes the descriptor.
 */
static int store(const struct path *at, const struct sd *new, u32 info)
{
	struct inode *inode = d_inode(at->dentry);
	int ret = mnt_want_write(at->mnt);

	if (ret)
		return ret;
	inode_lock(inode);
	if (!is_owner(at) || IS_IMMUTABLE(inode) || IS_APPEND(inode))
		ret = -EPERM;
	else
		ret = write_sd(at, new, info);
	inode_unlock(inode);
	mnt_drop_write(at->mnt);
	return ret;
}

/*
 * The descriptor is parsed before the path is looked up, so a malformed one
 * changes nothing.
 */
static long set_parsed(int dirfd, const char __user *path, u32 info, const struct sd *new,
		       u32 flags)
{
	struct path at;
	long ret;

	if (!sd_has_sids(new, info))
		return -EINVAL;
	ret = lookup(dirfd, path, flags, &at);
	if (ret)
		return ret;
	ret = store(&at, new, info);
	path_put(&at);
	return ret;
}

long kacs_set_sd(int dirfd, const char __user *path, u32 info, const void __user *sd, size_t len,
		 u32 flags)
{
	struct sd new;
	u8 *bytes;
	long ret;

	if (!are_arguments(info, flags))
		return -EINVAL;
	bytes = kacs_bytes_from_user(sd, len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	ret = sd_parse(&new, bytes, len);
	if (!ret)
		ret = set_parsed(dirfd, path, info, &new, flags);
	kvfree(bytes);
	return ret;
}

static struct kacs_token *token_to_check(int fd)
{
	return fd == -1 ? kacs_task_token(current) : kacs_file_token(fd, KACS_TOKEN_QUERY);
}

static long check_with(const struct kacs_token *token, const struct kacs_access_check_args *args)
{
	u8 *bytes;
	struct sd sd;
	long ret;

	if (kacs_token_is_revoked(token))
		return -EKEYREVOKED;
	bytes = kacs_bytes_from_user(u64_to_user_ptr(args->sd_ptr), args->sd_len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	ret = sd_parse(&sd, bytes, args->sd_len);
	if (!ret)
		ret = sd_access(&sd, token, args->desired);
	kvfree(bytes);
	return ret;
}

long kacs_access_check(struct kacs_access_check_args __user *user)
{
	struct kacs_access_check_args args;
	struct kacs_token *token;
	long ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.size < sizeof(args))
		return -EINVAL;
	token = token_to_check(args.token_fd);
	if (IS_ERR(token))
		return PTR_ERR(token);
	ret = check_with(token, &args);
	kacs_token_put(token);
	return ret;
}
