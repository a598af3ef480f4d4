// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one entry point of system calls 1000 to 1063, and who has registered
 * which.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/provium_syscalls.h>
#include <linux/ptrace.h>
#include <linux/srcu.h>

#define COUNT (PROVIUM_LAST - PROVIUM_FIRST + 1)

static const struct provium_syscall __rcu *slots[COUNT];
static DEFINE_MUTEX(slots_lock);
DEFINE_STATIC_SRCU(slots_srcu);

/* /sys/module/provium_syscalls: tells user space that this kernel has them. */
static unsigned int first = PROVIUM_FIRST;
static unsigned int last = PROVIUM_LAST;
module_param(first, uint, 0444);
module_param(last, uint, 0444);

/*
 * Returns the call with its owner pinned; NULL if no module has registered it,
 * or if its owner is being removed.
 */
static const struct provium_syscall *get_call(unsigned int index)
{
	const struct provium_syscall *call;
	int token = srcu_read_lock(&slots_srcu);

	call = srcu_dereference(slots[index], &slots_srcu);
	if (call && !try_module_get(call->owner))
		call = NULL;
	srcu_read_unlock(&slots_srcu, token);
	return call;
}

/*
 * The function that syscall_64.tbl names: the kernel adds "__x64_" to
 * "sys_provium".
 */
long __x64_sys_provium(const struct pt_regs *regs);
long __x64_sys_provium(const struct pt_regs *regs)
{
	const unsigned long args[6] = {
		regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9,
	};
	unsigned int index = (unsigned int)regs->orig_ax - PROVIUM_FIRST;
	const struct provium_syscall *call;
	struct module *owner;
	long ret;

	if (index >= COUNT)
		return -ENOSYS;
	call = get_call(array_index_nospec(index, COUNT));
	if (!call)
		return -ENOSYS;
	/* After module_put(), @call may be gone with its module. */
	owner = call->owner;
	ret = call->call(args);
	module_put(owner);
	return ret;
}

static bool is_taken(const struct provium_syscall *call)
{
	return rcu_access_pointer(slots[call->nr - PROVIUM_FIRST]);
}

static int check(const struct provium_syscall *calls, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (calls[i].nr < PROVIUM_FIRST || calls[i].nr > PROVIUM_LAST)
			return -EINVAL;
		for (j = 0; j < i; j++)
			if (calls[j].nr == calls[i].nr)
				return -EINVAL;
		if (is_taken(&calls[i]))
			return -EBUSY;
	}
	return 0;
}

int provium_syscalls_register(const struct provium_syscall *calls, size_t n)
{
	size_t i;
	int ret;

	mutex_lock(&slots_lock);
	ret = check(calls, n);
	for (i = 0; !ret && i < n; i++)
		rcu_assign_pointer(slots[calls[i].nr - PROVIUM_FIRST], &calls[i]);
	mutex_unlock(&slots_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(provium_syscalls_register);

void provium_syscalls_unregister(const struct provium_syscall *calls, size_t n)
{
	mutex_lock(&slots_lock);
	while (n--)
		RCU_INIT_POINTER(slots[calls[n].nr - PROVIUM_FIRST], NULL);
	mutex_unlock(&slots_lock);
	synchronize_srcu(&slots_srcu);
}
EXPORT_SYMBOL_GPL(provium_syscalls_unregister);
