// SPDX-License-Identifier: GPL-2.0-only
/* provium make: runs the kit's make for the module in the current folder. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/cmd/cmd.h"

static int run(int argc, char **argv)
{
	char **words = calloc((size_t)argc + 5, sizeof(*words));
	char *makefiles = files_join(files_kit(), "mk/test.mk"), here[PATH_MAX];
	int nr = 0;

	if (!words || !files_exist(makefiles)) {
		fprintf(stderr, "provium make: %s: there are no makefiles of Provium here; run the "
			"provium of a checkout's out/bin, or an installed one\n", files_kit());
		return EXIT_USAGE;
	}
	if (!getcwd(here, sizeof(here)))
		*here = 0;
	setenv("PWD", here, 1);		/* make takes relative paths from this folder */
	words[nr++] = "make";
	words[nr++] = "--no-print-directory";
	words[nr++] = "-C";
	words[nr++] = (char *)files_kit();
	words[nr++] = xasprintf("HERE=%s", here);
	memcpy(words + nr, argv + 1, (size_t)(argc - 1) * sizeof(*words));
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	execvp("make", words);
	fprintf(stderr, "provium make: cannot run make: %s\n", strerror(errno));
	return EXIT_BROKEN;
}

const struct command cmd_make = {
	.name = "make",
	.summary = "build the module in this folder and run its tests",
	.run = run,
	.usage =
"usage: provium make [VARIABLE=VALUE]... [TARGET]...\n",
	.help =
"Runs make in Provium's folder. MODULE= is the current folder if it is that of a\n"
"module, unless MODULE= is given; other relative paths are from the current\n"
"folder, too.\n"
"\n"
"Targets: test, retest, modules, kernel, and those that `provium make help`\n"
"lists. Everything is built in Provium's out/; if Provium is installed, in\n"
"$PROVIUM_OUT, else $XDG_CACHE_HOME/provium/out or ~/.cache/provium/out.\n"
"\n"
"Examples:\n"
"  provium make test PROFILE=distro\n"
"  provium make -j2 test T='ring io/*'\n",
};
