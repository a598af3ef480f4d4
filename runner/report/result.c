// SPDX-License-Identifier: GPL-2.0-only
/* The files that make uses for a test: verdict, result, dependencies. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/report/make_path.h"
#include "runner/report/record.h"

static int write_beside(const char *base, const char *suffix, const void *p,
			size_t n, struct err *err)
{
	char *path = xasprintf("%s%s", base, suffix);
	int ret = files_write(path, p, n, err);

	free(path);
	return ret;
}

void result_forget(const char *base)
{
	char *ok = xasprintf("%s.ok", base);

	unlink(ok);
	free(ok);
}

int result_write(const char *base, const json_t *record, struct err *err)
{
	bool passed = !strcmp(record_text(record, "verdict"), "ok");
	char *dir = files_dirname(base);
	char *text = json_dumps(record, JSON_COMPACT);
	char *ok = xasprintf("%s.ok", base);
	struct buf deps = { 0 };
	bool complete;
	int ret;

	files_mkdirs(dir);
	result_forget(base);
	complete = make_path_add_rules(&deps, ok, json_object_get(record, "deps"));
	ret = write_beside(base, ".result", text, text ? strlen(text) : 0, err);
	if (!ret)
		ret = write_beside(base, ".d", deps.p, deps.len, err);
	if (!ret && passed && complete && !json_object_get(record, "changed"))
		ret = write_beside(base, ".ok", "", 0, err);
	free(dir);
	free(text);
	free(ok);
	buf_release(&deps);
	return ret;
}

int result_read(const char *base, json_t **record, struct err *err)
{
	char *path = xasprintf("%s.result", base);
	json_error_t error;
	int ret = 0;

	*record = json_load_file(path, 0, &error);
	if (!*record)
		ret = err_set(err, ERR_BROKEN, -EIO, "cannot read %s: %s", path, error.text);
	else if (!json_is_object(*record))
		ret = err_set(err, ERR_BROKEN, -EIO, "%s: expected a JSON object", path);
	if (ret) {
		json_decref(*record);
		*record = NULL;
	}
	free(path);
	return ret;
}
