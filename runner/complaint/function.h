/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions of the kernel in the lines of a report: which one is at fault.
 */
#ifndef RUNNER_COMPLAINT_FUNCTION_H
#define RUNNER_COMPLAINT_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the first "fn+0x12/0x34".  Returns the start of fn, and its length in
 * *len; NULL if there is none.
 */
const char *function_find(const char *text, size_t *len);

/* Does the function only report the faults of its callers? */
bool function_reports(const char *fn, size_t len);

/*
 * Does the function allocate or free memory?  Such a function is at fault only
 * if the processor was in it, not if it called what prints the report.
 */
bool function_allocates(const char *fn, size_t len);

#endif
