// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors for tokens, and the ioctls on these descriptors. */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "file.h"
#include "sd.h"
#include "token.h"
#include "user.h"

struct handle {
	struct kacs_token *token;
	u32 access;			/* KACS_TOKEN_* that the descriptor allows */
};

atomic_t kacs_nr_files = ATOMIC_INIT(0);

/*
 * The ioctl QUERY: each class gives the length of its answer, and a pointer to
 * it.
 */

static void statistics(const struct kacs_token *token, struct kacs_statistics *s)
{
	*s = (struct kacs_statistics){
		.id = token->id, .origin = token->origin, .type = KACS_TYPE_PRIMARY,
		.groups = token->nr_groups, .tasks = atomic_read(&token->tasks),
		.revoked = kacs_token_is_revoked(token),
	};
}

static long answer(struct kacs_query *query, void __user *arg, const void *data, size_t len)
{
	u32 room = query->buf_len;

	query->buf_len = len;
	if (copy_to_user(arg, query, sizeof(*query)))
		return -EFAULT;
	if (!room)
		return 0;
	if (room < len)
		return -ERANGE;
	return copy_to_user(u64_to_user_ptr(query->buf), data, len) ? -EFAULT : 0;
}

static long do_query(const struct kacs_token *token, void __user *arg)
{
	const __le32 type = cpu_to_le32(KACS_TYPE_PRIMARY);
	struct kacs_statistics stats;
	struct kacs_query query;

	if (copy_from_user(&query, arg, sizeof(query)))
		return -EFAULT;
	switch (query.class) {
	case KACS_QUERY_USER:
		return answer(&query, arg, token->user, sid_len(token->user));
	case KACS_QUERY_TYPE:
		return answer(&query, arg, &type, sizeof(type));
	case KACS_QUERY_GROUPS:
		return answer(&query, arg, token->groups, token->groups_len);
	case KACS_QUERY_STATISTICS:
		statistics(token, &stats);
		return answer(&query, arg, &stats, sizeof(stats));
	default:
		return -EINVAL;
	}
}

/* The ioctl MEMBERS: tells for each SID of a list how the token has it. */

/*
 * Counts the SIDs in @list, which follow each other without gaps.  -EINVAL if
 * it is malformed.
 */
static int count_sids(const u8 *list, size_t len)
{
	int n = 0, size;

	for (; len; list += size, len -= size, n++) {
		size = sid_check(list, len);
		if (size < 0)
			return size;
	}
	return n;
}

static long write_members(const struct kacs_token *token, const u8 *sid, int n, u64 to)
{
	u32 *members = kmalloc_array(n, sizeof(*members), GFP_KERNEL);
	long ret;
	int i;

	if (!members)
		return -ENOMEM;
	for (i = 0; i < n; i++, sid += sid_len(sid))
		members[i] = kacs_token_member(token, sid);
	ret = copy_to_user(u64_to_user_ptr(to), members, n * sizeof(*members)) ? -EFAULT : 0;
	kfree(members);
	return ret;
}

static long list_members(const struct kacs_token *token, struct kacs_members *args,
			 void __user *arg, const u8 *list)
{
	int n = count_sids(list, args->in_len);
	u32 room = args->out_len;

	if (n < 0)
		return n;
	args->out_len = n * sizeof(u32);
	if (copy_to_user(arg, args, sizeof(*args)))
		return -EFAULT;
	if (room < args->out_len)
		return -ERANGE;
	return write_members(token, list, n, args->out);
}

static long do_members(const struct kacs_token *token, void __user *arg)
{
	struct kacs_members args;
	u8 *list;
	long ret;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	list = kacs_bytes_from_user(u64_to_user_ptr(args.in), args.in_len);
	if (IS_ERR(list))
		return PTR_ERR(list);
	ret = list_members(token, &args, arg, list);
	kvfree(list);
	return ret;
}

/* The ioctl CHECK: checks access to a security descriptor with the token. */

static s64 check_object(const struct kacs_token *token, const struct kacs_object *object)
{
	u8 *bytes = kacs_bytes_from_user(u64_to_user_ptr(object->sd), object->sd_len);
	struct sd sd;
	s64 ret;

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	ret = sd_parse(&sd, bytes, object->sd_len);
	if (!ret)
		ret = sd_access(&sd, token, object->desired);
	kvfree(bytes);
	return ret;
}

static long do_check(const struct kacs_token *token, void __user *arg)
{
	struct kacs_object object;
	struct kacs_check args;
	s64 granted;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.flags)
		return -EINVAL;
	if (kacs_token_is_revoked(token))
		return -EKEYREVOKED;
	if (copy_from_user(&object, u64_to_user_ptr(args.object), sizeof(object)))
		return -EFAULT;
	granted = check_object(token, &object);
	if (granted < 0 && granted != -EACCES)
		return granted;
	args.granted = max_t(s64, granted, 0);
	return copy_to_user(arg, &args, sizeof(args)) ? -EFAULT : 0;
}

static long do_duplicate(const struct kacs_token *token, void __user *arg)
{
	struct kacs_duplicate args;

	if (copy_from_user(&args, arg, sizeof(args)))
		return -EFAULT;
	if (args.flags || args.access & ~KACS_TOKEN_ALL)
		return -EINVAL;
	if (kacs_token_is_revoked(token))
		return -EKEYREVOKED;
	return kacs_file_open(kacs_token_duplicate(token), args.access);
}

static const struct command {
	unsigned int cmd;
	u32 access;
	long (*fn)(const struct kacs_token *token, void __user *arg);
} commands[] = {
	{ KACS_IOC_QUERY, KACS_TOKEN_QUERY, do_query },
	{ KACS_IOC_MEMBERS, KACS_TOKEN_QUERY, do_members },
	{ KACS_IOC_CHECK, KACS_TOKEN_QUERY, do_check },
	{ KACS_IOC_DUPLICATE, KACS_TOKEN_DUPLICATE, do_duplicate },
};

static long file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct handle *handle = file->private_data;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].cmd != cmd)
			continue;
		if (!(handle->access & commands[i].access))
			return -EACCES;
		return commands[i].fn(handle->token, (void __user *)arg);
	}
	return -ENOTTY;
}

static int file_release(struct inode *inode, struct file *file)
{
	struct handle *handle = file->private_data;

	kacs_token_put(handle->token);
	kfree(handle);
	atomic_dec(&kacs_nr_files);
	return 0;
}

/* .owner keeps the module loaded while a descriptor is open. */
static const struct file_operations fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= file_ioctl,
	.release	= file_release,
	.llseek		= noop_llseek,
};

int kacs_file_open(struct kacs_token *token, u32 access)
{
	struct handle *handle;
	int fd;

	if (IS_ERR(token))
		return PTR_ERR(token);
	handle = kmalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle) {
		kacs_token_put(token);
		return -ENOMEM;
	}
	*handle = (struct handle){ token, access };
	/*
	 * The file is counted before it is installed: after that, another
	 * thread can close it.
	 */
	atomic_inc(&kacs_nr_files);
	fd = anon_inode_getfd("[kacs-token]", &fops, handle, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		atomic_dec(&kacs_nr_files);
		kacs_token_put(token);
		kfree(handle);
	}
	return fd;
}

static struct kacs_token *handle_token(const struct file *file, u32 any_of)
{
	const struct handle *handle = file->private_data;

	if (file->f_op != &fops)
		return ERR_PTR(-EINVAL);
	if (!(handle->access & any_of))
		return ERR_PTR(-EACCES);
	return kacs_token_get(handle->token);
}

struct kacs_token *kacs_file_token(int fd, u32 any_of)
{
	struct file *file = fget(fd);
	struct kacs_token *token;

	if (!file)
		return ERR_PTR(-EBADF);
	token = handle_token(file, any_of);
	fput(file);
	return token;
}
