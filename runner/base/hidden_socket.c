// SPDX-License-Identifier: GPL-2.0-only
/* Listening sockets without a name; see hidden_socket.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runner/base/hidden_socket.h"

#define BACKLOG 8

int hidden_socket_open(const char *name, int type, int *listener, int *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[64];
	int ret = -1;

	*listener = *path = -1;
	snprintf(dir, sizeof(dir), "/tmp/provium-%s.XXXXXX", name);
	if (!mkdtemp(dir))
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	*listener = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (*listener >= 0 && !bind(*listener, (void *)&address, sizeof(address)) &&
	    !listen(*listener, BACKLOG)) {
		*path = open(address.sun_path, O_PATH | O_CLOEXEC);
		ret = *path < 0 ? -1 : 0;
	}
	ret = ret ? -errno : 0;
	unlink(address.sun_path);
	rmdir(dir);
	return ret;
}

/* Is the descriptor of that path a hidden socket of this name? */
static int is_hidden(const char *fd_path, const char *name)
{
	char prefix[64], target[128] = "";

	snprintf(prefix, sizeof(prefix), "/tmp/provium-%s.", name);
	if (readlink(fd_path, target, sizeof(target) - 1) < 0)
		return 0;
	return !strncmp(target, prefix, strlen(prefix)) && strstr(target, "/socket (deleted)");
}

int hidden_socket_connect(const char *name, int type, int pid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[32];
	struct dirent *entry;
	int fd = -1, ret = -ENOENT;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	dir = opendir(folder);
	while (dir && ret == -ENOENT && (entry = readdir(dir))) {
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/%.16s", folder,
			 entry->d_name);
		if (!is_hidden(address.sun_path, name))
			continue;
		fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
		ret = fd < 0 || connect(fd, (void *)&address, sizeof(address)) ? -errno : 0;
	}
	if (dir)
		closedir(dir);
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}
