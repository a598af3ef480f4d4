// SPDX-License-Identifier: GPL-2.0-only
/* The ledger: a file of rows, locks on the bytes of that file, and inotify. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/gate/ledger.h"

/* The number in the name changes with the file's format. */
#define NAME "ledger-4"

/*
 * The file consists of this header and the rows.  A lock on byte 0 locks the
 * whole ledger, a lock on byte 1 + n locks row n.
 */
struct header {
	uint64_t last_ticket;
	uint32_t nr_used;		/* rows from this number on were never taken */
	uint32_t pad;
};

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){ .fd = -1, .watch_fd = -1, .own_row = -1 };
}

static int lock(int fd, int command, short type, off_t at)
{
	struct flock f = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int ret;

	while ((ret = fcntl(fd, command, &f)) < 0 && errno == EINTR)
		;
	return ret < 0 ? -errno : f.l_type;
}

static char *default_dir(const char *parent)
{
	return xasprintf("%s/provium-%u", parent, (unsigned int)getuid());
}

/*
 * Makes the ledger's directory.  It must belong to this user, because another
 * owner could replace the ledger in it.
 */
static int make_dir(char **dir, struct err *err)
{
	const char *given = getenv("PROVIUM_GATE");
	struct stat st;
	int ret;

	*dir = given && *given ? xstrdup(given) : default_dir("/dev/shm");
	ret = mkdir(*dir, 0700) && errno != EEXIST ? -errno : 0;
	if (ret == -ENOENT && !(given && *given)) {
		free(*dir);		/* this system has no /dev/shm */
		*dir = default_dir("/tmp");
		ret = mkdir(*dir, 0700) && errno != EEXIST ? -errno : 0;
	}
	if (ret)
		return err_set(err, ERR_BROKEN, ret,
			       "gate: cannot create the directory %s: %s; set PROVIUM_GATE to a directory that can be written to",
			       *dir, strerror(-ret));
	if (!lstat(*dir, &st) && S_ISDIR(st.st_mode) && st.st_uid == getuid())
		return 0;
	return err_set(err, ERR_BROKEN, -EACCES,
		       "gate: %s is not a directory of this user: remove it, or set PROVIUM_GATE to another",
		       *dir);
}

int ledger_open(struct ledger *l, struct err *err)
{
	char *dir, *path;
	int ret = make_dir(&dir, err);

	path = xasprintf("%s/" NAME, dir);
	free(dir);
	if (!ret) {
		l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		l->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (l->fd < 0 || l->watch_fd < 0 ||
		    inotify_add_watch(l->watch_fd, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
			ret = err_set(err, ERR_BROKEN, -errno,
				      "gate: cannot open the ledger %s: %s%s", path,
				      strerror(errno), err_limit_advice(errno));
	}
	if (ret)
		ledger_close(l);
	free(path);
	return ret;
}

void ledger_lock(struct ledger *l)
{
	lock(l->fd, F_OFD_SETLKW, F_WRLCK, 0);
}

void ledger_unlock(struct ledger *l)
{
	lock(l->fd, F_OFD_SETLK, F_UNLCK, 0);
}

static struct header read_header(struct ledger *l)
{
	struct header h = { 0 };

	if (pread(l->fd, &h, sizeof(h), 0) != sizeof(h) || h.nr_used > LEDGER_ROWS)
		h = (struct header){ 0 };
	return h;
}

static void write_header(struct ledger *l, const struct header *h)
{
	if (pwrite(l->fd, h, sizeof(*h), 0) < 0)
		/*
		 * A header that is not written does no harm: ledger_write(),
		 * which follows, fails for the same reason and reports it.
		 */
		return;
}

static off_t place_of(int row)
{
	return (off_t)sizeof(struct header) + row * (off_t)sizeof(struct ledger_row);
}

/*
 * Does a live process own the row? Its owner holds a lock on the row's byte.
 * For a lock of this process itself F_OFD_GETLK finds nothing.
 */
static bool is_live(struct ledger *l, int row)
{
	return row == l->own_row ||
	       lock(l->fd, F_OFD_GETLK, F_WRLCK, 1 + row) != F_UNLCK;
}

void ledger_read(struct ledger *l, struct ledger_rows *rows)
{
	struct header h = read_header(l);

	rows->n = 0;
	for (int i = 0; i < (int)h.nr_used; i++) {
		struct ledger_row *row = &rows->row[rows->n];

		if (!is_live(l, i) ||
		    pread(l->fd, row, sizeof(*row), place_of(i)) != sizeof(*row))
			continue;
		row->label[sizeof(row->label) - 1] = 0;
		rows->n++;
	}
}

static int take_row(struct ledger *l)
{
	struct header h = read_header(l);

	for (int i = 0; i < LEDGER_ROWS; i++) {
		if (lock(l->fd, F_OFD_SETLK, F_WRLCK, 1 + i) < 0)
			continue;
		l->own_row = i;
		if (i >= (int)h.nr_used) {
			h.nr_used = (uint32_t)i + 1;
			write_header(l, &h);
		}
		return 0;
	}
	return -ENOSPC;
}

/*
 * Writes a row.  A short write has no errno; the write of the rest then fails
 * with one.
 */
static int write_row(int fd, const struct ledger_row *row, off_t at)
{
	size_t done = 0;

	while (done < sizeof(*row)) {
		ssize_t n = pwrite(fd, (const char *)row + done, sizeof(*row) - done,
				   at + (off_t)done);

		if (n <= 0)
			return n ? -errno : -ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

int ledger_write(struct ledger *l, const struct ledger_row *row, struct err *err)
{
	int ret;

	if (l->own_row < 0 && take_row(l))
		return err_set(err, ERR_BROKEN, -EUSERS,
			       "gate: the ledger is full: at most %d runners can use it at a time",
			       LEDGER_ROWS);
	ret = write_row(l->fd, row, place_of(l->own_row));
	if (!ret)
		return 0;
	return err_set(err, ERR_BROKEN, ret,
		       "gate: cannot write the ledger: %s%s", strerror(-ret),
		       ret == -ENOSPC ?
		       "; make room in /dev/shm, or set PROVIUM_GATE to a directory elsewhere" :
		       err_limit_advice(-ret));
}

uint64_t ledger_ticket(struct ledger *l)
{
	struct header h = read_header(l);

	h.last_ticket++;
	write_header(l, &h);
	return h.last_ticket;
}

void ledger_drain(struct ledger *l)
{
	char events[4096];

	while (read(l->watch_fd, events, sizeof(events)) > 0)
		;
}

void ledger_close(struct ledger *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->watch_fd >= 0)
		close(l->watch_fd);
	ledger_init(l);
}
