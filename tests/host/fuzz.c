// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passes each file of tests/fuzz/corpus/NAME/ to the fuzz target NAME, without
 * libFuzzer.  Each runs in a process of its own, so that a crash is one failed
 * check.  Runs at the top of the source tree, as make does.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "tests/host/lib/tap.h"

#define INPUT_TIMEOUT_S 20

/* Made by mk/fuzz.mk: a line T(NAME) for each tests/fuzz/NAME.c. */
#define T(name) void fuzz_##name(const uint8_t *data, size_t size);
#include "gen/fuzz_targets.h"
#undef T

static const struct target {
	const char *name;
	void (*fuzz)(const uint8_t *data, size_t size);
} targets[] = {
#define T(name) { #name, fuzz_##name },
#include "gen/fuzz_targets.h"
#undef T
};

/*
 * In a child: a copy of exactly the input's size, so that SAN=1 sees overruns.
 */
static void run(const struct target *t, const char *path)
{
	struct buf b = { 0 };
	uint8_t *copy;

	if (buf_read_file(&b, path))
		exit(1);
	copy = xcalloc(b.len + !b.len, 1);
	if (b.len)
		memcpy(copy, b.p, b.len);
	t->fuzz(copy, b.len);
	free(copy);
	buf_release(&b);
	exit(0);
}

static void check(const struct target *t, const char *path)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(INPUT_TIMEOUT_S);
		run(t, path);
	}
	waitpid(pid, &status, 0);
	if (!ok(!status, "fuzz target %s accepts %s", t->name, path))
		note("wait status %#x; run it under the sanitizers: make fuzz TARGET=%s",
		     (unsigned int)status, t->name);
}

static void check_corpus(const struct target *t)
{
	char pattern[128];
	glob_t files;

	snprintf(pattern, sizeof(pattern), "tests/fuzz/corpus/%s/*", t->name);
	if (glob(pattern, 0, NULL, &files)) {
		ok(false, "fuzz target %s has inputs in %s", t->name, pattern);
		return;
	}
	for (size_t i = 0; i < files.gl_pathc; i++)
		check(t, files.gl_pathv[i]);
	globfree(&files);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		check_corpus(&targets[i]);
	return done();
}
