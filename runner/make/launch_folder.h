/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folders for launched runners (runner/run/launch.h): BASE.launch.XXXXXX, which
 * the hosts of a cluster share.  BASE is the argument of `provium test
 * --verdict BASE`.
 */
#ifndef RUNNER_MAKE_LAUNCH_FOLDER_H
#define RUNNER_MAKE_LAUNCH_FOLDER_H

#include "runner/base/err.h"

/*
 * Makes a new folder, and removes those that are left of earlier launches.  Its
 * name was never in use, so what a runner on a lost host still writes cannot be
 * taken for the result of this launch.  Returns the absolute path, which the
 * caller frees, or NULL with err filled.
 */
char *launch_folder_new(const char *base, struct err *err);
/* Removes all folders of this BASE, with the files in them. */
void launch_folder_remove(const char *base);

#endif
