// SPDX-License-Identifier: GPL-2.0-only
/* The system calls for tokens; kacs.def documents them. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "file.h"
#include "kacs_calls.h"
#include "task.h"
#include "token.h"
#include "user.h"

static bool are_rights(u32 access)
{
	return !(access & ~KACS_TOKEN_ALL);
}

long kacs_open_self_token(u32 flags, u32 access)
{
	if (flags || !are_rights(access))
		return -EINVAL;
	return kacs_file_open(kacs_task_token(current), access);
}

/*
 * The same test as for ptrace: a process that runs a set-user-id program does
 * not count as the user's.
 */
static bool is_same_user(const struct cred *theirs)
{
	kuid_t uid = current_euid();

	return uid_eq(uid, theirs->euid) && uid_eq(uid, theirs->suid) && uid_eq(uid, theirs->uid);
}

static bool may_open(struct task_struct *task)
{
	const struct cred *theirs = get_task_cred(task);
	bool ret = is_same_user(theirs) || ns_capable(theirs->user_ns, CAP_SYS_PTRACE);

	put_cred(theirs);
	return ret;
}

/*
 * Finds the task with that number in the caller's namespace, and takes a
 * reference; or NULL.
 */
static struct task_struct *get_task(int nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);

	put_pid(pid);
	return task;
}

long kacs_open_process_token(int pid, u32 access)
{
	struct task_struct *task;
	long ret;

	if (!are_rights(access))
		return -EINVAL;
	task = get_task(pid);
	if (!task)
		return -ESRCH;
	ret = may_open(task) ? kacs_file_open(kacs_task_token(task), access) : -EACCES;
	put_task_struct(task);
	return ret;
}

/* The capability is checked before any argument is read. */
long kacs_create_token(const void __user *spec, size_t len)
{
	struct kacs_token *token;
	u8 *bytes;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	bytes = kacs_bytes_from_user(spec, len);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	token = kacs_token_parse(bytes, len);
	kvfree(bytes);
	return kacs_file_open(token, KACS_TOKEN_ALL);
}

long kacs_install_token(int fd)
{
	struct kacs_token *token = kacs_file_token(fd, KACS_TOKEN_ASSIGN | KACS_TOKEN_IMPERSONATE);
	long ret;

	if (IS_ERR(token))
		return PTR_ERR(token);
	ret = kacs_token_is_revoked(token) ? -EKEYREVOKED : kacs_task_install(token);
	kacs_token_put(token);
	return ret;
}

/*
 * Only the user who made a token can revoke it; not even root can revoke
 * another user's.
 */
long kacs_revoke_token(int fd)
{
	struct kacs_token *token = kacs_file_token(fd, KACS_TOKEN_ALL);
	long ret = 0;

	if (IS_ERR(token))
		return PTR_ERR(token);
	if (token == kacs_system || !uid_eq(token->owner, current_euid()))
		ret = -EPERM;
	else
		kacs_token_revoke(token);
	kacs_token_put(token);
	return ret;
}

long kacs_wait_token(int fd, u32 timeout_ms)
{
	struct kacs_token *token = kacs_file_token(fd, KACS_TOKEN_QUERY);
	long left;

	if (IS_ERR(token))
		return PTR_ERR(token);
	left = wait_event_interruptible_timeout(token->wait, kacs_token_is_revoked(token),
						msecs_to_jiffies(timeout_ms));
	kacs_token_put(token);
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}
