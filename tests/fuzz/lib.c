// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that the fuzz targets share: libFuzzer's entry point, and files to read
 * from.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char folder[64], path[PATH_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz(data, size);
	return 0;
}

static void put(int fd, const uint8_t *data, size_t size)
{
	if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
		perror("fuzz: write");
		exit(1);
	}
}

int fuzz_memory_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	put(fd, data, size);
	return fd;
}

static void remove_folder(void)
{
	if (!chdir("/") && (unlink(path) || rmdir(folder)))
		perror(folder);
}

static void enter_folder(void)
{
	snprintf(folder, sizeof(folder), "/dev/shm/provium-fuzz.XXXXXX");
	if (!mkdtemp(folder) || chdir(folder)) {
		perror(folder);
		exit(1);
	}
	atexit(remove_folder);
}

const char *fuzz_file(const char *name, const uint8_t *data, size_t size)
{
	int fd;

	if (!*folder)
		enter_folder();
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	put(fd, data, size);
	close(fd);
	return path;
}
