// SPDX-License-Identifier: GPL-2.0-only
/* Hashes of content, files that are mostly holes, and empty layers of disks. */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/hash.h"
#include "runner/base/sparse.h"
#include "runner/machine/qcow2.h"
#include "tests/host/lib/tap.h"

#define SIZE (64u << 20)

static struct err err;

static void hash(const char *text, const char *expected)
{
	char whole[HASH_HEX], pieces[HASH_HEX];
	struct hash h;

	hash_init(&h);
	hash_add(&h, text, strlen(text));
	hash_hex(&h, whole);
	hash_init(&h);
	for (const char *at = text; *at; at++)
		hash_add(&h, at, 1);
	hash_hex(&h, pieces);
	ok(!strcmp(whole, expected), "the hash of \"%s\" is the reference implementation's", text);
	ok(!strcmp(whole, pieces), "the hash of \"%s\" is the same when added byte by byte", text);
}

static void put(int fd, const char *text, off_t at)
{
	if (pwrite(fd, text, strlen(text), at) < 0)
		note("pwrite failed");
}

static void holes(const char *dir)
{
	char path[512], a[HASH_HEX], b[HASH_HEX], c[HASH_HEX];
	int fd = sparse_create(dir, SIZE, &err), copy, named;
	static const char zeros[8192];
	struct stat st;

	ok(fd >= 0, "sparse_create() makes a file without a name");
	put(fd, "start", 0);
	put(fd, "middle", SIZE / 2 + 77);
	put(fd, "end", SIZE - 3);
	ok(!sparse_hash(fd, a), "sparse_hash() hashes a file with holes");
	ok(pwrite(fd, zeros, sizeof(zeros), SIZE / 4) == sizeof(zeros) &&
	   !sparse_hash(fd, b) && !strcmp(a, b), "written zeros do not change the hash");
	copy = sparse_copy(dir, fd, &err);
	ok(copy >= 0 && !sparse_hash(copy, b) && !strcmp(a, b), "a copy has the same hash");
	ok(!fstat(copy, &st) && st.st_size == SIZE && st.st_blocks < 1024,
	   "a copy keeps the holes (%lld blocks)", (long long)st.st_blocks);
	put(copy, "n", SIZE / 2 + 77);
	ok(!sparse_hash(copy, c) && strcmp(a, c), "a changed byte changes the hash");
	snprintf(path, sizeof(path), "%s/named", dir);
	ok(!sparse_link(fd, AT_FDCWD, path, &err), "sparse_link() gives a file a name");
	named = sparse_link(copy, AT_FDCWD, path, &err);
	ok(named < 0, "a name that exists is refused: %s", err.text);
	unlink(path);
	ok(sparse_create("/nowhere", 1, &err) < 0, "a directory that does not exist is refused: %s", err.text);
	close(fd);
	close(copy);
}

static void layers(const char *dir)
{
	char path[512];
	uint64_t size = 0, be;
	int fd = qcow2_layer(dir, 5ull << 30, &err);

	snprintf(path, sizeof(path), "%s/layer", dir);
	ok(fd >= 0 && !sparse_link(fd, AT_FDCWD, path, &err), "qcow2_layer() makes a layer");
	ok(!qcow2_disk_size(path, "qcow2", &size, &err) && size == 5ull << 30,
	   "a layer is as large as its disk");
	ok(pread(fd, &be, 8, 40) == 8 && be64toh(be) == 3u << 16, "a layer has its L1 table in cluster 3");
	ok(!qcow2_disk_size(path, "raw", &size, &err) && size == 4u << 16,
	   "a layer's file has four clusters");
	put(fd, "x", 0);
	ok(qcow2_disk_size(path, "qcow2", &size, &err) == -22, "a file that is not qcow2 is refused: %s", err.text);
	unlink(path);
	ok(qcow2_disk_size(path, "raw", &size, &err) == -2, "a disk that does not exist is refused: %s", err.text);
	ok(qcow2_layer(dir, 5ull << 42, &err) < 0, "a disk that is too large for a layer is refused: %s", err.text);
	ok(qcow2_layer(dir, 0, &err) < 0, "a disk of size 0 is refused: %s", err.text);
	close(fd);
}

int main(void)
{
	char dir[] = "/tmp/provium-sparse-XXXXXX";

	/*
	 * The values are from the reference implementation of MurmurHash3, with
	 * seed 0.
	 */
	hash("", "00000000000000000000000000000000");
	hash("hello", "cbd8a7b341bd9b025b1e906a48ae1d19");
	hash("The quick brown fox jumps over the lazy dog",
	     "e34bbc7bbc071b6c7a433ca9c49a9347");
	if (!ok(mkdtemp(dir) != NULL, "a temporary directory is made"))
		return done();
	holes(dir);
	layers(dir);
	rmdir(dir);
	return done();
}
