// SPDX-License-Identifier: GPL-2.0-only
/* Parses records of /dev/kmsg; see kernel_log_record.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/guest/kernel_log_record.h"

size_t kernel_log_record_cut(char *record, size_t n, uint64_t *seq)
{
	char *comma, *text;

	record[n] = 0;
	comma = strchr(record, ',');
	text = record + strcspn(record, ";\n");
	if (!comma || *text != ';' || comma > text)
		return 0;
	*seq = strtoull(comma + 1, NULL, 10);
	text += strcspn(text, "\n");
	*text = '\n';
	text[1] = 0;
	return (size_t)(text + 1 - record);
}

size_t kernel_log_record_print(const char *record, char *line, size_t cap)
{
	const char *usec = strchr(strchr(record, ',') + 1, ',');
	uint64_t us = usec ? strtoull(usec + 1, NULL, 10) : 0;
	int len = snprintf(line, cap, "[%5" PRIu64 ".%06" PRIu64 "] %s", us / 1000000,
			   us % 1000000, strchr(record, ';') + 1);

	return len < 0 ? 0 : (size_t)len < cap ? (size_t)len : cap - 1;
}
