// SPDX-License-Identifier: GPL-2.0-only
/* Creates, copies, links and hashes sparse files; see sparse.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/base/sparse.h"

#define PAGE 4096u
#define PIECE_BYTES (1u << 20)

/*
 * Creates a file with O_TMPFILE.  Where that does not exist (old overlayfs),
 * creates a file with a name and unlinks it at once.
 */
static int unnamed(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	char *path;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	path = xasprintf("%s/.sparse.XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else
		unlink(path);
	free(path);
	return fd;
}

int sparse_create(const char *dir, uint64_t size, struct err *err)
{
	int fd = unnamed(dir), ret;

	if (fd >= 0 && !ftruncate(fd, (off_t)size))
		return fd;
	ret = fd < 0 ? fd : -errno;
	if (fd >= 0)
		close(fd);
	return err_set(err, ERR_BROKEN, ret, "cannot create a file of %llu bytes in %s: %s%s",
		       (unsigned long long)size, dir, strerror(-ret), err_limit_advice(-ret));
}

/*
 * Finds the next data at or after *at.  1: its bounds are in *at and *end; 0:
 * no more data; -errno.
 */
static int next_data(int fd, off_t size, off_t *at, off_t *end)
{
	*at = lseek(fd, *at, SEEK_DATA);
	if (*at < 0)
		return errno == ENXIO ? 0 : -errno;
	*end = lseek(fd, *at, SEEK_HOLE);
	if (*end < 0)
		return -errno;
	if (*end > size)
		*end = size;
	return *at < size;
}

static int copy_range(int to, int from, off_t at, off_t end, struct buf *b)
{
	while (at < end) {
		size_t want = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
		ssize_t n = pread(from, buf_room(b, PIECE_BYTES), want, at), done;

		if (n <= 0)
			return n ? -errno : -EIO;
		done = pwrite(to, b->p, (size_t)n, at);
		if (done != n)
			return done < 0 ? -errno : -ENOSPC;
		at += n;
	}
	return 0;
}

static int copy_data(int to, int from)
{
	struct buf b = { 0 };
	struct stat st;
	off_t at = 0, end;
	int ret;

	if (fstat(from, &st))
		return -errno;
	while ((ret = next_data(from, st.st_size, &at, &end)) > 0) {
		ret = copy_range(to, from, at, end, &b);
		if (ret)
			break;
		at = end;
	}
	buf_release(&b);
	return ret;
}

int sparse_copy(const char *dir, int from, struct err *err)
{
	struct stat st;
	int fd, ret;

	if (fstat(from, &st))
		return err_set(err, ERR_BROKEN, -errno, "cannot copy a file into %s: %s", dir, strerror(errno));
	fd = sparse_create(dir, (uint64_t)st.st_size, err);
	if (fd < 0)
		return fd;
	ret = copy_data(fd, from);
	if (!ret)
		return fd;
	close(fd);
	return err_set(err, ERR_BROKEN, ret, "cannot copy a file into %s: %s", dir,
		       strerror(-ret));
}

/*
 * Copies the file to a new one with that name: linkat(2) cannot give a name to
 * a file that was unlinked.
 */
static int copy_to_name(int fd, int dir_fd, const char *name)
{
	int to = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644), ret;
	struct stat st;

	if (to < 0 || fstat(fd, &st))
		return -errno;
	ret = ftruncate(to, st.st_size) ? -errno : copy_data(to, fd);
	if (close(to) && !ret)
		ret = -errno;
	return ret;
}

int sparse_link(int fd, int dir_fd, const char *name, struct err *err)
{
	char self[40];
	int ret = 0;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW))
		ret = errno == ENOENT || errno == EXDEV ?
			copy_to_name(fd, dir_fd, name) : -errno;
	return ret ? err_set(err, ERR_BROKEN, ret, "cannot create %s: %s", name,
			     strerror(-ret)) : 0;
}

static void hash_piece(struct hash *h, const uint8_t *p, off_t at, size_t n)
{
	for (size_t i = 0; i < n; i += PAGE) {
		size_t len = n - i < PAGE ? n - i : PAGE;
		uint64_t where = (uint64_t)at + i;

		/*
		 * A page of zeros counts as a hole.  Its bytes are all zero if
		 * the first is, and each equals the next.
		 */
		if (!p[i] && !memcmp(p + i, p + i + 1, len - 1))
			continue;
		hash_add(h, &where, sizeof(where));
		hash_add(h, p + i, len);
	}
}

static int hash_range(struct hash *h, int fd, off_t at, off_t end, struct buf *b)
{
	while (at < end) {
		size_t want = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
		ssize_t n = pread(fd, buf_room(b, PIECE_BYTES), want, at);

		if (n <= 0)
			return n ? -errno : -EIO;
		hash_piece(h, b->p, at, (size_t)n);
		at += n;
	}
	return 0;
}

int sparse_hash(int fd, char hex[HASH_HEX])
{
	struct buf b = { 0 };
	off_t at = 0, end;
	struct stat st;
	struct hash h;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	hash_init(&h);
	hash_add(&h, &st.st_size, sizeof(st.st_size));
	while ((ret = next_data(fd, st.st_size, &at, &end)) > 0) {
		at -= at % PAGE;
		ret = hash_range(&h, fd, at, end, &b);
		if (ret)
			break;
		at = end;
	}
	buf_release(&b);
	hash_hex(&h, hex);
	return ret;
}
