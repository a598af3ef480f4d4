// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the opening of a fixture in the store: the manifest, which is the
 * input, and the files that it describes.  These fit the manifest "sound" of
 * the corpus, whose key is KEY.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/fixture/store.h"
#include "tests/fuzz/fuzz.h"

#define KEY "d96e61c870053976c8d28cd357a26385"

static void put(const char *name, const char *content)
{
	fuzz_file(name, (const uint8_t *)content, strlen(content));
}

static int store_folder(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	fuzz_folder();
	if (mkdir(KEY, 0700))
		abort();
	put(KEY "/state", "state");
	put(KEY "/ram", "ram");
	put(KEY "/layer0", "layer");
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

void fuzz(const uint8_t *data, size_t size)
{
	int name_fd = store_folder();
	struct fixture f;
	const char *damaged;

	fixture_init(&f);
	fuzz_file(KEY "/manifest", data, size);
	f.manifest = store_read_manifest(name_fd, KEY);
	if (f.manifest && strcmp(f.manifest->key, KEY))
		abort();
	if (f.manifest) {
		damaged = store_open_files(&f, name_fd, KEY);
		if (!damaged && (f.ram_fd < 0 || f.state_fd < 0 ||
				 f.nr_layers != f.manifest->layers.n))
			abort();
	}
	fixture_release(&f);
}
