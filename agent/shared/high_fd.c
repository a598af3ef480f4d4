// SPDX-License-Identifier: GPL-2.0-only
/* Moves the agent's own descriptors to high numbers. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/shared/high_fd.h"

int high_fd(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD_BASE);

	if (moved < 0)
		return -errno;
	close(fd);
	return moved;
}
