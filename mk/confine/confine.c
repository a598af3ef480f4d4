/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage: confine FOLDER MODULE COMMAND [ARGUMENT]...
 *
 * Runs the command, which can then write only below FOLDER, $CCACHE_DIR, /dev,
 * /proc and /tmp; not below /tmp if MODULE, the user's folder, is there
 * (landlock(7)).  So a module's build changes nothing of the user's, whatever
 * its makefile does and wherever links in its folder lead.  Modes and dates of
 * files can still be changed: Landlock has no rule for these.
 *
 * On a kernel without Landlock the command runs unconfined; mirror makes no
 * links to folders of the user's then.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "mk/confine/landlock.h"

/* Constants of Landlock's second and third version, for older headers. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif

/* Returns the kinds of write access that this version of Landlock knows. */
static unsigned long long writing(long abi)
{
	return LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
	       LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
	       LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
	       LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
	       (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
	       (abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
}

/* Allows this access to the file or below the folder, if it exists. */
static void allow(int rules, const char *path, unsigned long long access)
{
	struct landlock_path_beneath_attr attr = { .allowed_access = access };

	attr.parent_fd = path && *path ? open(path, O_PATH | O_CLOEXEC) : -1;
	if (attr.parent_fd < 0)
		return;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &attr, 0))
		fprintf(stderr, "confine: %s: %s\n", path, strerror(errno));
	close(attr.parent_fd);
}

/* GNU make 4.4 has a named pipe for job tokens: "fifo:PATH" in MAKEFLAGS. */
static void allow_job_tokens(int rules)
{
	const char *flags = getenv("MAKEFLAGS"), *fifo = flags ? strstr(flags, "fifo:") : NULL;
	char *path;

	if (!fifo)
		return;
	path = strndup(fifo + 5, strcspn(fifo + 5, " "));
	allow(rules, path, LANDLOCK_ACCESS_FS_WRITE_FILE);
	free(path);
}

static void confine(const char *folder, const char *module)
{
	long abi = landlock_version();
	struct landlock_ruleset_attr attr = { .handled_access_fs = writing(abi) };
	const char *const places[] = { folder, getenv("CCACHE_DIR"), "/dev", "/proc",
				       strncmp(module, "/tmp/", 5) ? "/tmp" : NULL };
	int rules;

	if (abi < 1)
		return;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	for (size_t i = 0; rules >= 0 && i < sizeof(places) / sizeof(*places); i++)
		allow(rules, places[i], attr.handled_access_fs);
	allow_job_tokens(rules);
	if (rules < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, rules, 0)) {
		fprintf(stderr, "confine: cannot use Landlock: %s\n", strerror(errno));
		exit(125);
	}
	close(rules);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: confine FOLDER MODULE COMMAND [ARGUMENT]...\n");
		return 2;
	}
	confine(argv[1], argv[2]);
	execvp(argv[3], argv + 3);
	fprintf(stderr, "confine: %s: %s\n", argv[3], strerror(errno));
	return 127;
}
