// SPDX-License-Identifier: GPL-2.0-only
/* The shared ledger: a file of rows, locks on its bytes, inotify. */
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

#define NAME "ledger-4"			/* changes with the format */

/* The file: this, then the rows.  Locks: byte 0 the file, byte 1 + n row n. */
struct header {
	uint64_t last_ticket;
	uint32_t high;			/* rows 0 to high - 1 have been used */
	uint32_t pad;
};

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){ .fd = -1, .watch_fd = -1, .mine = -1 };
}

static int lock(int fd, int command, short type, off_t at)
{
	struct flock f = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int ret;

	while ((ret = fcntl(fd, command, &f)) < 0 && errno == EINTR)
		;
	return ret < 0 ? -errno : f.l_type;
}

/* A folder that only we can write to; nobody can have put another in its place. */
static char *folder(struct err *err)
{
	const char *given = getenv("PROVIUM_GATE");
	char *path = given && *given ? xstrdup(given) :
		xasprintf("/dev/shm/provium-%u", (unsigned int)getuid());
	struct stat st;

	if (mkdir(path, 0700) && errno == ENOENT && !(given && *given)) {
		free(path);		/* no /dev/shm */
		path = xasprintf("/tmp/provium-%u", (unsigned int)getuid());
		mkdir(path, 0700);
	}
	if (!lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == getuid())
		return path;
	err_set(err, ERR_USER, 0,
		"the gate's folder %s is not a folder of this user: remove it, or set PROVIUM_GATE to another",
		path);
	free(path);
	return NULL;
}

int ledger_open(struct ledger *l, struct err *err)
{
	char *dir = folder(err), *path;

	if (!dir)
		return -EACCES;
	path = xasprintf("%s/" NAME, dir);
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	l->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->fd < 0 || l->watch_fd < 0 ||
	    inotify_add_watch(l->watch_fd, path, IN_MODIFY | IN_CLOSE_WRITE) < 0) {
		err_set(err, ERR_BROKEN, 0, "the gate's ledger %s: %s", path,
			strerror(errno));
		ledger_close(l);
	}
	free(path);
	free(dir);
	return l->fd < 0 ? -EIO : 0;
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

	if (pread(l->fd, &h, sizeof(h), 0) != sizeof(h) || h.high > LEDGER_ROWS)
		h = (struct header){ 0 };
	return h;
}

static void write_header(struct ledger *l, const struct header *h)
{
	if (pwrite(l->fd, h, sizeof(*h), 0) < 0)
		return;			/* no space in memory: rows are lost, too */
}

static off_t place_of(int row)
{
	return (off_t)sizeof(struct header) + row * (off_t)sizeof(struct ledger_row);
}

/* Our own lock does not count as somebody else's. */
static bool is_live(struct ledger *l, int row)
{
	return row == l->mine ||
	       lock(l->fd, F_OFD_GETLK, F_WRLCK, 1 + row) != F_UNLCK;
}

void ledger_read(struct ledger *l, struct ledger_rows *rows)
{
	struct header h = read_header(l);

	rows->n = 0;
	for (int i = 0; i < (int)h.high; i++) {
		struct ledger_row *row = &rows->row[rows->n];

		if (!is_live(l, i) ||
		    pread(l->fd, row, sizeof(*row), place_of(i)) != sizeof(*row))
			continue;
		row->label[sizeof(row->label) - 1] = 0;
		rows->at[rows->n++] = i;
	}
}

static int take_row(struct ledger *l)
{
	struct header h = read_header(l);

	for (int i = 0; i < LEDGER_ROWS; i++) {
		if (lock(l->fd, F_OFD_SETLK, F_WRLCK, 1 + i) < 0)
			continue;
		l->mine = i;
		if (i >= (int)h.high) {
			h.high = (uint32_t)i + 1;
			write_header(l, &h);
		}
		return 0;
	}
	return -ENOSPC;
}

int ledger_write(struct ledger *l, const struct ledger_row *row)
{
	int ret = l->mine < 0 ? take_row(l) : 0;

	if (ret)
		return ret;
	return pwrite(l->fd, row, sizeof(*row), place_of(l->mine)) ==
	       sizeof(*row) ? 0 : -ENOSPC;
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
