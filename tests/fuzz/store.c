// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the opening of a fixture in the store: the manifest, which is the
 * input, and the files that it describes.  The files fit the manifest "sound"
 * of the corpus.  The key KEY in an input stands for the right one, which is a
 * hash of the other members.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/hash.h"
#include "runner/fixture/manifest.h"
#include "runner/fixture/store.h"
#include "tests/fuzz/fuzz.h"

#define KEY "KEY"

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

/*
 * Stores the manifest, and writes to `key` the name that the fixture's folder
 * must have.
 */
static void put_manifest(const uint8_t *data, size_t size, char key[HASH_HEX])
{
	json_t *doc = json_loadb((const char *)data, size, 0, NULL);
	struct manifest *m = manifest_from_json(doc);
	char *text;

	strcpy(key, KEY);
	if (m && !strcmp(m->key, KEY)) {
		manifest_key(m, key);
		json_object_set_new(doc, "key", json_string(key));
		text = json_dumps(doc, 0);
		put(KEY "/manifest", text);
		free(text);
	} else {
		fuzz_file(KEY "/manifest", data, size);
	}
	manifest_free(m);
	json_decref(doc);
}

void fuzz(const uint8_t *data, size_t size)
{
	int name_fd = store_folder();
	struct fixture f;
	char key[HASH_HEX];
	const char *damaged;

	fixture_init(&f);
	put_manifest(data, size, key);
	if (renameat(name_fd, KEY, name_fd, key))
		abort();
	f.manifest = store_read_manifest(name_fd, key);
	if (f.manifest && strcmp(f.manifest->key, key))
		abort();
	if (f.manifest) {
		damaged = store_open_files(&f, name_fd, key);
		if (!damaged && (f.ram_fd < 0 || f.state_fd < 0 ||
				 f.nr_layers != f.manifest->layers.n))
			abort();
	}
	fixture_release(&f);
	if (renameat(name_fd, key, name_fd, KEY))
		abort();
}
