/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths as GNU make reads them in a rule. */
#ifndef RUNNER_REPORT_MAKE_PATH_H
#define RUNNER_REPORT_MAKE_PATH_H

#include <jansson.h>
#include <stdbool.h>

#include "runner/base/buf.h"

enum make_path_side { MAKE_TARGET, MAKE_PREREQUISITE };

/*
 * Adds the path, escaped for that side of a rule.  It becomes relative if it is
 * below the working directory.  Returns false, and adds nothing, if make cannot
 * read the path because it contains a line end, a vertical tab or a form feed,
 * contains both a backslash and a wildcard, or ends with a backslash, a blank,
 * an ampersand or a closing parenthesis.
 */
bool make_path_add(struct buf *to, const char *path, enum make_path_side side);
/*
 * Adds a rule that target depends on the paths, and an empty rule for each
 * path, without which make would stop if the file has been deleted.  Leaves out
 * what make cannot read, and then returns false.
 */
bool make_path_add_rules(struct buf *to, const char *target, const json_t *paths);

#endif
