/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the probe found, kept in files_state()/accel: one file for each boot of
 * the host, kernel, QEMU and request.
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
 * A text of everything that the result depends on.  NULL with err filled if the
 * profile cannot be loaded.  The caller frees.
 */
char *record_key(const char *profile, const struct probe_request *request,
		 struct err *err);
/* The file for that key; its folder is created.  The caller frees. */
char *record_path(const char *key);
/* 0, or -ENOENT: there is no valid record of that key. */
int record_load(const char *path, const char *key, struct record *record);
/* A record that cannot be written is lost: the next run probes again. */
void record_save(const char *path, const char *key, const struct record *record);

#endif
