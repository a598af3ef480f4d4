/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the probe's results in files_state()/accel.  There is one file for
 * each combination of host boot, kernel, QEMU and request.
 */
#ifndef RUNNER_PROBE_RECORD_H
#define RUNNER_PROBE_RECORD_H

#include "runner/base/err.h"
#include "runner/machine/accel.h"
#include "runner/probe/probe.h"

struct record {
	struct accel accel;
	/*
	 * Load average of the last minute per processor, when the probe ended.
	 */
	double load;
};

/*
 * Returns a text of everything on which the result of a probe depends.  NULL
 * with err filled if the profile cannot be loaded.  The caller frees the text.
 */
char *record_key(const char *profile, const struct probe_request *request,
		 struct err *err);
/*
 * Returns the path of the file for that key, and creates its folder.  The
 * caller frees the path.
 */
char *record_path(const char *key);
/* Loads the record of that key.  0, or -ENOENT if there is no valid one. */
int record_load(const char *path, const char *key, struct record *record);
/* Writes the record.  An error is ignored: the next run then probes again. */
void record_save(const char *path, const char *key, const struct record *record);

#endif
