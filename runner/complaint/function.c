// SPDX-License-Identifier: GPL-2.0-only
/* Functions of the kernel in the lines of a report; see function.h. */
#include <ctype.h>
#include <string.h>

#include "runner/complaint/function.h"

const char *function_find(const char *text, size_t *len)
{
	const char *plus = text, *at;

	while ((plus = strstr(plus, "+0x"))) {
		size_t hex = strspn(plus + 3, "0123456789abcdef");

		at = plus;
		while (at > text && (isalnum((unsigned char)at[-1]) || strchr("_.$", at[-1])))
			at--;
		if (hex && plus[3 + hex] == '/' && at < plus && !isdigit((unsigned char)*at)) {
			/* What the compiler adds begins with a dot: ".cold". */
			*len = strcspn(at, ".+");
			return at;
		}
		plus += 3;
	}
	return NULL;
}

/*
 * Does the function's name begin with one of the words, or is it one of the
 * words that end with "$"?
 */
static bool is_among(const char *const *words, size_t nr, const char *fn, size_t len)
{
	for (size_t i = 0; i < nr; i++) {
		size_t n = strcspn(words[i], "$");

		if (n <= len && !memcmp(fn, words[i], n) && (!words[i][n] || n == len))
			return true;
	}
	return false;
}

bool function_reports(const char *fn, size_t len)
{
	static const char *const words[] = {
		"__dump_stack", "dump_stack", "show_stack", "dump_backtrace", "print_",
		"kasan_", "__kasan_", "____kasan_", "__asan_", "kcsan_", "__tsan_", "kmsan_",
		"__msan_", "ubsan_", "__ubsan_",
		"refcount_", "__refcount_", "__list_", "list_", "debug_", "__debug_",
		"lockdep_", "__lock_", "lock_", "check_", "mark_", "validate_chain",
		"register_lock_class", "assign_lock_key", "___might_", "__might_", "__schedule",
		"schedule", "preempt_schedule", "__cond_resched", "_cond_resched", "__warn",
		"warn_", "report_bug", "handle_bug", "exc_", "asm_exc_", "asm_sysvec_", "sysvec_",
		"panic", "nmi_", "page_fault_oops", "die", "__die", "no_context", "bad_area",
		"do_error_trap", "do_user_addr_fault", "rcu_", "watchdog_", "hrtimer_",
		"__hrtimer_", "__sysvec_", "trigger_", "usercopy_", "__check_", "fortify_",
		"warn_alloc", "__alloc_pages", "sysfs_warn_dup", "sysfs_create_dir",
		"kobject_add", "create_dir", "__raw_spin_", "_raw_spin_", "do_raw_", "spin_",
		"mutex_lock", "__mutex_", "mutex_unlock", "down_", "up_", "wait_for_", "__wait_",
		"do_wait", "io_schedule", "rwsem_", "bit_wait", "object_", "slab_", "free_debug",
		"on_freelist", "memcpy", "memset", "memmove", "__memcpy", "__memset",
		"copy_from_user", "copy_to_user", "_copy_", "string", "oops_", "tick_",
		"update_process_times", "timerqueue", "irq_", "native_", "ret_from_", "bad_page",
		"__rcu_", "trace_hardirqs", "perf_trace", "__bug", "dequeue_",
		"default_do_nmi", "pci_serr_error", "unknown_nmi_error", "end_repeat_nmi",
		"first_nmi", "walk_stackframe", "queued_", "__pv_queued", "default_idle", "do_idle",
		"cpu_startup_entry", "arch_cpu_idle", "rest_init", "arch_call_rest_init",
		"start_kernel", "start_secondary", "secondary_startup", "x86_64_start",
		"sched_show_task", "_sched_show_task", "arch_trigger", "kthread$",
		"do_invalid_op", "invalid_op", "do_trap", "fixup_bug", "__panic",
		"context_switch", "__switch_to", "__this_cpu_preempt_check",
		"__x86_indirect_thunk", "__sanitizer_cov", "smp_apic_timer", "apic_timer",
		/* The tick, which comes while code loops. */
		"timer_interrupt", "handle_irq_event", "__handle_irq_event", "handle_edge_irq",
		"handle_level_irq", "handle_fasteoi_irq", "__common_interrupt",
		"common_interrupt", "asm_common_interrupt", "scheduler_tick", "task_tick_",
		"update_wall_time", "timekeeping_", "clockevents_", "pit_next_event", "ktime_get",
		"lapic_next_", "hpet_clkevt_", "irqentry_", "__do_softirq", "raise_softirq",
		"run_local_timers", "run_posix_cpu_timers", "perf_event_task_tick",
		"account_process_tick", "account_user_time", "account_system_", "cpuacct_",
		"update_load_avg", "__update_load_avg",
		"read_tsc", "sched_clock", "update_rq_clock", "update_curr", "calc_global_load",
		/* These wait for another processor. */
		"stop_machine_yield", "multi_cpu_stop", "cpu_stopper_thread",
		"smpboot_thread_fn", "smp_call_", "csd_lock_", "on_each_cpu",
	};

	return is_among(words, sizeof(words) / sizeof(words[0]), fn, len);
}

bool function_allocates(const char *fn, size_t len)
{
	static const char *const words[] = {
		"kmem_cache_", "__kmem_cache_", "kmalloc", "__kmalloc", "kmemdup", "kstrdup",
		"kvmalloc", "__kvmalloc", "krealloc", "kfree$", "__kmem",
		"__do_kmalloc", "__vmalloc",
	};

	return is_among(words, sizeof(words) / sizeof(words[0]), fn, len);
}
