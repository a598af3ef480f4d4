// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes an initramfs from a list, without the privileges of root.
 *
 *	gen_init_cpio [-t SECONDS] LIST >ARCHIVE	LIST may be "-"
 *
 * Understands lines of the kernel's tool of the same name (usr/gen_init_cpio.c
 * of a kernel tree), which is not part of the distribution's kernel packages:
 *
 *	dir   NAME MODE UID GID
 *	file  NAME FILE MODE UID GID
 *	slink NAME TARGET MODE UID GID
 *	nod   NAME MODE UID GID TYPE MAJOR MINOR	TYPE: b or c
 *
 * The format is "newc" of
 * Documentation/driver-api/early-userspace/buffer-format.rst.  A file has its
 * own date, everything else that of -t (default 0); with -t, files too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
	const char *name;
	unsigned int mode, uid, gid;
	unsigned int major, minor;	/* of a device node */
	long mtime;
};

static unsigned long inode;
static unsigned long long written;
static long mtime;			/* the value of option -t */
static bool mtime_is_set;

static void put(const void *data, size_t len)
{
	written += fwrite(data, 1, len, stdout);
}

static void pad(void)
{
	while (written % 4 && !ferror(stdout))
		put("", 1);
}

static void put_header(const struct entry *e, unsigned long size)
{
	char header[256];
	size_t len = strlen(e->name) + 1;

	snprintf(header, sizeof(header),
		 "070701%08lX%08X%08X%08X%08X%08lX%08lX%08X%08X%08X%08X%08zX%08X",
		 inode++, e->mode, e->uid, e->gid, 1, e->mtime & 0xffffffff,
		 size, 0, 0, e->major, e->minor, len, 0);
	put(header, 110);
	put(e->name, len);
	pad();
}

/* Adds an entry whose content is in memory. */
static void put_entry(const struct entry *e, const void *data, size_t len)
{
	put_header(e, len);
	put(data, len);
	pad();
}

static int put_file(struct entry *e, const char *path)
{
	FILE *in = fopen(path, "rbe");
	char block[65536];
	struct stat st;
	off_t left;
	size_t n = 1;

	if (!in || fstat(fileno(in), &st)) {
		fprintf(stderr, "gen_init_cpio: %s: %s\n", path, strerror(errno));
		if (in)
			fclose(in);
		return -1;
	}
	if (!mtime_is_set)
		e->mtime = st.st_mtime;
	put_header(e, (unsigned long)st.st_size);
	for (left = st.st_size; left && n; left -= (off_t)n) {
		size_t want = left < (off_t)sizeof(block) ? (size_t)left : sizeof(block);

		n = fread(block, 1, want, in);
		put(block, n);
	}
	pad();
	fclose(in);
	if (left)
		fprintf(stderr, "gen_init_cpio: %s: the file was truncated meanwhile\n", path);
	return left ? -1 : 0;
}

/*
 * Adds the entry of one line of the list.  Returns 0; -1 after an error
 * message; 1 if the line is of no known form.
 */
static int put_line(const char *line)
{
	char name[4096], other[4096], type;
	struct entry e = { .name = name, .mtime = mtime };

	if (sscanf(line, "dir %4095s %o %u %u", name, &e.mode, &e.uid, &e.gid) == 4) {
		e.mode |= S_IFDIR;
		put_entry(&e, "", 0);
	} else if (sscanf(line, "file %4095s %4095s %o %u %u", name, other,
			  &e.mode, &e.uid, &e.gid) == 5) {
		e.mode |= S_IFREG;
		return put_file(&e, other);
	} else if (sscanf(line, "slink %4095s %4095s %o %u %u", name, other,
			  &e.mode, &e.uid, &e.gid) == 5) {
		e.mode |= S_IFLNK;
		put_entry(&e, other, strlen(other));
	} else if (sscanf(line, "nod %4095s %o %u %u %c %u %u", name, &e.mode,
			  &e.uid, &e.gid, &type, &e.major, &e.minor) == 7) {
		e.mode |= type == 'b' ? S_IFBLK : S_IFCHR;
		put_entry(&e, "", 0);
	} else {
		return 1;
	}
	return 0;
}

static int put_list(FILE *list)
{
	char line[8300];
	int nr = 0, ret = 0;

	while (!ret && fgets(line, sizeof(line), list)) {
		nr++;
		line[strcspn(line, "\n")] = 0;
		if (*line && *line != '#')
			ret = put_line(line);
	}
	if (ret > 0)
		fprintf(stderr, "gen_init_cpio: line %d: expected dir, file, slink or nod and their fields, got \"%s\"\n",
			nr, line);
	return ret;
}

int main(int argc, char **argv)
{
	struct entry end = { .name = "TRAILER!!!" };
	FILE *list;

	if (argc == 4 && !strcmp(argv[1], "-t")) {
		mtime_is_set = true;
		mtime = atol(argv[2]);
		argv += 2;
	} else if (argc != 2) {
		fprintf(stderr, "usage: gen_init_cpio [-t SECONDS] LIST >ARCHIVE\n");
		return 2;
	}
	list = strcmp(argv[1], "-") ? fopen(argv[1], "re") : stdin;
	if (!list) {
		fprintf(stderr, "gen_init_cpio: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	inode = 1;
	if (put_list(list))
		return 1;
	inode = 0;
	put_entry(&end, "", 0);
	while (written % 512 && !ferror(stdout))
		put("", 1);
	if (ferror(stdout) || fflush(stdout)) {
		fprintf(stderr, "gen_init_cpio: cannot write the archive: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}
