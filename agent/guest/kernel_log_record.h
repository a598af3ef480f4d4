/* SPDX-License-Identifier: GPL-2.0-only */
/* One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
#ifndef AGENT_GUEST_KERNEL_LOG_RECORD_H
#define AGENT_GUEST_KERNEL_LOG_RECORD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Cuts "prio,seq,usec,flags[,caller=T1];text\n key=value\n" off after the
 * text's line end, and finds seq.  record has room for n + 2 bytes and becomes
 * a string. Returns its new length; 0 if it is not such a record.
 */
size_t kernel_log_record_cut(char *record, size_t n, uint64_t *seq);
/*
 * Writes a record that was cut as "[s.us] text\n", which is what dmesg(1)
 * prints. Returns the line's length: at most cap - 1, the rest is left out.
 */
size_t kernel_log_record_print(const char *record, char *line, size_t cap);

#endif
