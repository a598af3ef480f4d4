/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files outside of the watched folders that the last run has read, as a
 * header beside the module's folder or a fixture's script.
 */
#ifndef RUNNER_WATCH_INPUTS_H
#define RUNNER_WATCH_INPUTS_H

#include <time.h>

#include "runner/watch/folders.h"

/*
 * Watches what these files name, below the folder at path:
 *
 *	NAME.result	the inputs of a test (runner/report/record.h)
 *	files		what was copied for the build of a module (mk/mirror/)
 *	outside.mk	headers that this build has read elsewhere (mk/modules.mk)
 *
 * Sets f->changed if one that was not watched before has changed since that
 * time.  0, or -errno with err filled.
 */
int inputs_add(struct folders *f, const char *path, struct timespec since, struct err *err);

#endif
