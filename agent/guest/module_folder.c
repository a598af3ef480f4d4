// SPDX-License-Identifier: GPL-2.0-only
/* Fills /lib/modules/RELEASE. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/guest/module_folder.h"

void module_folder_announce(void)
{
	int fd = open("/.provium/serves-modules", O_WRONLY | O_CREAT | O_CLOEXEC, 0444);

	if (fd >= 0)
		close(fd);
}

int module_folder_write(const char *name, uint64_t offset, const void *p, size_t n)
{
	char path[512];
	struct utsname uts;
	ssize_t done;
	int fd, len;

	if (!*name || strchr(name, '/'))
		return -EINVAL;
	uname(&uts);
	mkdir("/lib", 0755);
	mkdir("/lib/modules", 0755);
	len = snprintf(path, sizeof(path), "/lib/modules/%s", uts.release);
	mkdir(path, 0755);
	if (snprintf(path + len, sizeof(path) - (size_t)len, "/%s", name) >=
	    (int)sizeof(path) - len)
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (offset ? 0 : O_TRUNC), 0644);
	if (fd < 0)
		return -errno;
	done = pwrite(fd, p, n, (off_t)offset);
	close(fd);
	return done == (ssize_t)n ? 0 : -EIO;
}
