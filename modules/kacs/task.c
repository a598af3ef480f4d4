// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records which task has which token, by means of the scheduler's tracepoints.
 *
 * Every task that is forked while the module is loaded gets an entry before it
 * first runs, and loses it when it exits.  A task without an entry is either
 * older than the module, and then has SYSTEM's token; or there was no memory
 * for its entry, and then it has no token and is denied access.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>

#include "task.h"
#include "token.h"

struct entry {
	struct hlist_node node;
	const struct task_struct *task;	/* valid: the entry is removed when
					 * the task exits */
	struct kacs_token *token;
};

atomic_t kacs_nr_tasks = ATOMIC_INIT(0);

static DEFINE_HASHTABLE(entries, 8);
static DEFINE_SPINLOCK(entries_lock);
/* When the module was loaded: ns on the clock of task_struct's start_time. */
static u64 loaded_at;

static struct entry *find(const struct task_struct *task)
{
	struct entry *entry;

	hash_for_each_possible(entries, entry, node, (unsigned long)task)
		if (entry->task == task)
			return entry;
	return NULL;
}

/* Adds @by (1 or -1) to the number of tasks that have the token. */
static void count(struct kacs_token *token, int by)
{
	if (token == kacs_system)
		return;
	atomic_add(by, &token->tasks);
	atomic_add(by, &kacs_nr_tasks);
}

/* Adds the task's entry.  Takes over the caller's reference to the token. */
static void add(struct entry *entry, const struct task_struct *task, struct kacs_token *token)
{
	entry->task = task;
	entry->token = token;
	count(token, 1);
	hash_add(entries, &entry->node, (unsigned long)task);
}

/* Frees an entry that was removed from the table. */
static void release(struct entry *entry)
{
	count(entry->token, -1);
	kacs_token_put(entry->token);
	kfree(entry);
}

static bool is_older_than_us(const struct task_struct *task)
{
	return task->start_time < READ_ONCE(loaded_at);
}

struct kacs_token *kacs_task_token(const struct task_struct *task)
{
	struct kacs_token *token;
	struct entry *entry;

	spin_lock(&entries_lock);
	entry = find(task);
	if (entry)
		token = kacs_token_get(entry->token);
	else if (is_older_than_us(task) && !(READ_ONCE(task->flags) & PF_EXITING))
		token = kacs_token_get(kacs_system);
	else
		token = ERR_PTR(-ESRCH);
	spin_unlock(&entries_lock);
	return token;
}

int kacs_task_install(struct kacs_token *token)
{
	struct entry *fresh = kmalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	struct entry *former;

	if (!fresh)
		return -ENOMEM;
	kacs_token_get(token);
	spin_lock(&entries_lock);
	former = find(current);
	if (former)
		hash_del(&former->node);
	add(fresh, current, token);
	spin_unlock(&entries_lock);
	if (former)
		release(former);
	return 0;
}

/* Called in the parent, before the child first runs.  Preemption is off. */
static void on_fork(void *unused, struct task_struct *parent, struct task_struct *child)
{
	struct kacs_token *token = kacs_task_token(parent);
	struct entry *entry;

	if (IS_ERR(token))
		return;
	entry = kmalloc(sizeof(*entry), GFP_NOWAIT | __GFP_NOWARN);
	if (!entry) {
		kacs_token_put(token);
		return;
	}
	spin_lock(&entries_lock);
	add(entry, child, token);
	spin_unlock(&entries_lock);
}

static void on_exit(void *unused, struct task_struct *task)
{
	struct entry *entry;

	spin_lock(&entries_lock);
	entry = find(task);
	if (entry)
		hash_del(&entry->node);
	spin_unlock(&entries_lock);
	if (entry)
		release(entry);
}

/* Tracepoints are not exported by name, but a module can search for them. */
static struct probe {
	const char *name;
	void *fn;
	struct tracepoint *point;
} probes[] = {
	{ "sched_process_fork", on_fork },
	{ "sched_process_exit", on_exit },
};

static void match(struct tracepoint *point, void *unused)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(point->name, probes[i].name))
			probes[i].point = point;
}

static void unregister(size_t n)
{
	while (n--)
		tracepoint_probe_unregister(probes[n].point, probes[n].fn, NULL);
	tracepoint_synchronize_unregister();
}

static int register_all(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		ret = probes[i].point ?
		      tracepoint_probe_register(probes[i].point, probes[i].fn, NULL) :
		      -EOPNOTSUPP;
		if (ret) {
			pr_err("no tracepoint %s: %d\n", probes[i].name, ret);
			unregister(i);
			return ret;
		}
	}
	return 0;
}

static void release_all(void)
{
	struct hlist_node *next;
	struct entry *entry;
	int i;

	hash_for_each_safe(entries, i, next, entry, node) {
		hash_del(&entry->node);
		release(entry);
	}
}

/*
 * Until loaded_at is set, every task counts as older than the module and has
 * SYSTEM's token.  So a fork that happens before the tracepoints are registered
 * does no harm.
 */
int kacs_task_init(void)
{
	int ret;

	WRITE_ONCE(loaded_at, U64_MAX);
	for_each_kernel_tracepoint(match, NULL);
	ret = register_all();
	if (ret)
		release_all();
	WRITE_ONCE(loaded_at, ktime_get_ns());
	return ret;
}

void kacs_task_exit(void)
{
	unregister(ARRAY_SIZE(probes));
	release_all();
}
