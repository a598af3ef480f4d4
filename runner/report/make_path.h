/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths as GNU make reads them in a rule. */
#ifndef RUNNER_REPORT_MAKE_PATH_H
#define RUNNER_REPORT_MAKE_PATH_H

#include <stdbool.h>

#include "runner/base/buf.h"

enum make_path_side { MAKE_TARGET, MAKE_PREREQUISITE };

/*
 * Adds the path, escaped for that side of a rule, and relative to the working
 * directory if it is below it.  False if make has no way to read it (it has a
 * line end, or ends with a backslash): nothing is added.
 */
bool make_path_add(struct buf *to, const char *path, enum make_path_side side);

#endif
