// SPDX-License-Identifier: GPL-2.0-only
/* Returns the job tokens of a killed runner to make. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/exit_status.h"
#include "runner/gate/gate.h"
#include "runner/make/launch_folder.h"
#include "runner/make/return_tokens.h"
#include "runner/report/record.h"

char *return_tokens_account(const char *base)
{
	return xasprintf("%s.tokens", base);
}

/*
 * Was the runner killed by a signal other than those with which a user or make
 * stops it?
 */
static bool was_killed(int status)
{
	int sig = status - 128;

	return sig > 0 && sig != SIGHUP && sig != SIGINT && sig != SIGTERM;
}

/* Writes a result in place of the killed runner. */
static int write_killed(const char *base, const char *path, int sig)
{
	json_t *record = record_new(path);
	char text[128];
	struct err err;
	int ret;

	snprintf(text, sizeof(text), "the runner was killed by signal %d (%s)", sig,
		 strsignal(sig));
	record_set_error(record, "BROKEN", text);
	record_add_repeat(json_object_get(record, "error"), path);
	ret = result_write(base, record, &err);
	json_decref(record);
	printf("%s ... BROKEN: %s\n", path, text);
	if (ret)
		fprintf(stderr, "provium make-test: %s\n", err.text);
	return ret ? EXIT_BROKEN : 0;
}

int return_tokens(const char *base, const char *path, int status)
{
	char *account = return_tokens_account(base);
	struct err err;
	int ret = gate_return_tokens_of(account, &err) ? EXIT_BROKEN : 0;

	free(account);
	launch_folder_remove(base);
	if (ret)
		fprintf(stderr, "provium make-test: %s\n", err.text);
	if (was_killed(status))
		return write_killed(base, path, status - 128) ? EXIT_BROKEN : ret;
	return ret ? ret : status;
}
