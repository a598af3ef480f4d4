/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log, record by record, with the sequence numbers of /dev/kmsg. */
#ifndef AGENT_GUEST_KERNEL_LOG_H
#define AGENT_GUEST_KERNEL_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Receives a piece of the log: whole lines, at most WIRE_PIECE bytes. */
typedef void (*kernel_log_fn)(void *context, const char *piece, size_t n);

/*
 * Passes the records from sequence number `from` on (0: all of them) to emit,
 * each as a line "priority,sequence,microseconds,flags;text".  Returns the
 * sequence number of the next record, or -errno.
 */
int64_t kernel_log_read(uint64_t from, kernel_log_fn emit, void *context);
/*
 * Reads what the kernel counts of its own faults: the flags of
 * /proc/sys/kernel/tainted, and the sum of warn_count and oops_count of
 * /sys/kernel. 0 where a kernel has no such file.
 */
void kernel_log_counters(uint64_t *taint, uint64_t *warnings);
/*
 * Makes the kernel log its blocked tasks (sysrq-w), and appends those records
 * to the string in buf.
 */
void kernel_log_blocked_tasks(char *buf, size_t cap);
/*
 * Makes the kernel log what its processors do (sysrq-l), after a mark that says
 * of these tasks that they loop in the kernel (kind `loop` of
 * runner/complaint/kinds.def).  tasks: their numbers, a space before each, of
 * fewer than KERNEL_LOG_TASKS bytes.
 */
#define KERNEL_LOG_TASKS 500
void kernel_log_loops(const char *tasks);

#endif
