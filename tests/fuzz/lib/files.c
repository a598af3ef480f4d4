// SPDX-License-Identifier: GPL-2.0-only
/* Gives a fuzz target's input to decoders that read files. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char folder[64], path[PATH_MAX];

static void fail(const char *label)
{
	perror(label);
	exit(1);
}

static void put(int fd, const uint8_t *data, size_t size)
{
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		fail("fuzz: write");
}

int fuzz_memory_file(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	put(fd, data, size);
	lseek(fd, (off_t)size, SEEK_SET);
	return fd;
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (chdir("/") || system(command))
		perror(folder);
}

const char *fuzz_folder(void)
{
	if (*folder)
		return folder;
	snprintf(folder, sizeof(folder), "/dev/shm/provium-fuzz.XXXXXX");
	if (!mkdtemp(folder) || chdir(folder))
		fail(folder);
	atexit(remove_folder);
	return folder;
}

const char *fuzz_file(const char *name, const uint8_t *data, size_t size)
{
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	put(fd, data, size);
	close(fd);
	return path;
}
