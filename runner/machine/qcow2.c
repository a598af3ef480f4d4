// SPDX-License-Identifier: GPL-2.0-only
/*
 * Empty qcow2 images, version 3 (docs/interop/qcow2.txt in QEMU's tree).  They
 * have four clusters of 64 KiB: header, refcount table, refcount block, L1
 * table.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "runner/base/sparse.h"
#include "runner/machine/qcow2.h"

#define MAGIC 0x514649fbu
#define CLUSTER_BITS 16
#define CLUSTER (1u << CLUSTER_BITS)
/* Bytes that one L2 table covers: 8192 clusters. */
#define L1_ENTRY_BYTES (UINT64_C(1) << 29)
/* Entries that fit into one cluster: images up to 4 TiB. */
#define MAX_L1_ENTRIES (CLUSTER / 8)

struct header {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_len, cluster_bits;
	uint64_t size;
	uint32_t crypt, l1_size;
	uint64_t l1_offset, refcount_offset;
	uint32_t refcount_clusters, nr_snapshots;
	uint64_t snapshots_offset, incompatible, compatible, autoclear;
	uint32_t refcount_order, header_len;
	uint64_t end;			/* an empty header extension, which
					 * ends the list of extensions */
};

int qcow2_disk_size(const char *path, const char *format, uint64_t *size,
		    struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct header h = { 0 };
	off_t end = 0;
	int ret = fd < 0 ? -errno : 0;

	if (!ret && !strcmp(format, "qcow2")) {
		if (pread(fd, &h, sizeof(h), 0) < 32 || be32toh(h.magic) != MAGIC)
			ret = -EINVAL;
		*size = be64toh(h.size);
	} else if (!ret) {
		end = lseek(fd, 0, SEEK_END);
		ret = end < 0 ? -errno : 0;
		*size = (uint64_t)end;
	}
	if (fd >= 0)
		close(fd);
	return ret ? err_set(err, ERR_USER, ret, "disk %s: %s%s", path,
			     ret == -EINVAL ? "not a qcow2 image" : strerror(-ret),
			     err_limit_advice(-ret)) : 0;
}

static int put(int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at) == (ssize_t)n ? 0 : -EIO;
}

static int fill(int fd, uint64_t size)
{
	const struct header h = {
		.magic = htobe32(MAGIC), .version = htobe32(3),
		.cluster_bits = htobe32(CLUSTER_BITS), .size = htobe64(size),
		.l1_size = htobe32((uint32_t)((size + L1_ENTRY_BYTES - 1) / L1_ENTRY_BYTES)),
		.l1_offset = htobe64(3 * CLUSTER),
		.refcount_offset = htobe64(CLUSTER),
		.refcount_clusters = htobe32(1), .refcount_order = htobe32(4),
		.header_len = htobe32(104),
	};
	const uint64_t block = htobe64(2 * CLUSTER);
	const uint16_t used[4] = {
		htobe16(1), htobe16(1), htobe16(1), htobe16(1),
	};

	_Static_assert(sizeof(h) == 112, "104 bytes and an empty extension");
	return put(fd, &h, sizeof(h), 0) || put(fd, &block, 8, CLUSTER) ||
	       put(fd, used, sizeof(used), 2 * CLUSTER) ? -EIO : 0;
}

int qcow2_layer(const char *dir, uint64_t size, struct err *err)
{
	int fd;

	if (!size || (size + L1_ENTRY_BYTES - 1) / L1_ENTRY_BYTES > MAX_L1_ENTRIES)
		return err_set(err, ERR_USER, -EFBIG,
			       "a disk has %llu bytes; expected 1 byte to 4 TiB in a fixture",
			       (unsigned long long)size);
	fd = sparse_create(dir, 4 * CLUSTER, err);
	if (fd >= 0 && fill(fd, size)) {
		close(fd);
		return err_set(err, ERR_BROKEN, -EIO, "cannot write a disk layer in %s: %s",
			       dir, strerror(errno));
	}
	return fd;
}
