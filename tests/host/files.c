// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's cache directory must never be one that another user could have
 * made.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "tests/host/lib/tap.h"

static void cache_is(const char *expected, const char *title)
{
	char *cache = files_cache();

	if (!ok(!strcmp(cache, expected), "%s", title))
		note("expected %s, got %s", expected, cache);
	free(cache);
}

int main(void)
{
	const struct passwd *user = getpwuid(getuid());
	char *expected = xasprintf("%s/.cache/provium", user ? user->pw_dir : "");

	setenv("HOME", "/user", 1);
	setenv("XDG_CACHE_HOME", "/cache", 1);
	cache_is("/cache/provium", "XDG_CACHE_HOME has the cache directory");
	unsetenv("XDG_CACHE_HOME");
	cache_is("/user/.cache/provium", "without XDG_CACHE_HOME the cache directory is in HOME");
	unsetenv("HOME");
	cache_is(expected, "without HOME the cache directory is in the home of the user database, not in /tmp");
	setenv("HOME", "", 1);
	cache_is(expected, "an empty HOME counts as none");
	free(expected);
	return done();
}
