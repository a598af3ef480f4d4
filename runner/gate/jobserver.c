// SPDX-License-Identifier: GPL-2.0-only
/* Job tokens: bytes read from make's pipe, and written back to it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/gate/jobserver.h"

/* --- finding make's jobserver in MAKEFLAGS --- */

/*
 * Returns the value of the last option with that name: make may pass an option
 * twice.
 */
static const char *last_option(const char *flags, const char *name)
{
	const char *found = NULL;

	for (const char *at = flags; (at = strstr(at, name)); at += strlen(name))
		if (at == flags || at[-1] == ' ')
			found = at + strlen(name);
	return found;
}

static bool is_fifo(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISFIFO(st.st_mode);
}

/*
 * Opens the file anew, to get our own file description: O_NONBLOCK on the
 * inherited one would apply to all of make's jobs.
 */
static int reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static void open_pipe(struct jobserver *j, int r, int w)
{
	if (!is_fifo(r) || !is_fifo(w))
		return;
	j->read_fd = reopen(r);
	j->write_fd = w;
	fcntl(r, F_SETFD, FD_CLOEXEC);
	fcntl(w, F_SETFD, FD_CLOEXEC);
}

/* Opens the jobserver of make 4.4, which passes "fifo:PATH". */
static void open_fifo(struct jobserver *j, const char *name)
{
	size_t n = strcspn(name, " ");
	char path[4096];

	if (n >= sizeof(path))
		return;
	memcpy(path, name, n);
	path[n] = 0;
	j->read_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	j->write_fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (!is_fifo(j->read_fd) || !is_fifo(j->write_fd)) {
		close(j->read_fd);
		close(j->write_fd);
		j->read_fd = -1;
	}
}

void jobserver_open(struct jobserver *j, const char *makeflags,
		    struct jobserver_account *account)
{
	const char *auth = makeflags ? last_option(makeflags, "--jobserver-auth=") : NULL;
	const char *jobs = makeflags ? last_option(makeflags, "-j") : NULL;
	int r, w;

	*j = (struct jobserver){ .read_fd = -1, .write_fd = -1, .account = account };
	if (jobs)
		j->nr_jobs = (unsigned int)strtoul(jobs, NULL, 10);
	if (makeflags && !auth)		/* the option's name in make before 4.2 */
		auth = last_option(makeflags, "--jobserver-fds=");
	if (auth && !strncmp(auth, "fifo:", 5))
		open_fifo(j, auth + 5);
	else if (auth && sscanf(auth, "%d,%d", &r, &w) == 2)
		open_pipe(j, r, w);
}

uint64_t jobserver_name(const struct jobserver *j)
{
	struct stat st;

	return jobserver_exists(j) && !fstat(j->read_fd, &st) ? st.st_ino : 0;
}

/*
 * The first word of MAKEFLAGS has make's options without arguments, without a
 * dash.  That word can be missing.
 */
bool jobserver_dry_run(const char *makeflags)
{
	if (!makeflags || !isalpha((unsigned char)*makeflags))
		return false;
	for (const char *at = makeflags; *at && *at != ' ' && *at != '='; at++)
		if (strchr("nqt", *at) && makeflags[strcspn(makeflags, " =")] != '=')
			return true;
	return false;
}

/* --- the account, a record of borrowed and lent job tokens --- */

static struct jobserver_account *map(int fd)
{
	void *p = mmap(NULL, sizeof(struct jobserver_account), PROT_READ | PROT_WRITE,
		       fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

struct jobserver_account *jobserver_account_new(const char *path)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (path && (fd < 0 || ftruncate(fd, sizeof(struct jobserver_account)))) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	return map(fd);
}

struct jobserver_account *jobserver_account_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct jobserver_account *a;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || st.st_size != sizeof(*a)) {
		close(fd);
		errno = EINVAL;
		return NULL;
	}
	a = map(fd);
	if (!a || (a->nr_taken <= JOBSERVER_MAX_TOKENS && a->lent <= 1))
		return a;
	munmap(a, sizeof(*a));
	errno = EINVAL;
	return NULL;
}

/* --- taking and giving job tokens --- */

unsigned int jobserver_tokens_held(const struct jobserver *j)
{
	return 1 + j->account->nr_taken - j->account->lent;
}

static void give_one(struct jobserver *j)
{
	struct jobserver_account *a = j->account;
	char token = '+';

	if (a->nr_taken)
		token = a->taken[a->nr_taken - 1];
	files_write_all(j->write_fd, &token, 1);
	if (a->nr_taken)
		a->nr_taken--;
	else
		a->lent = 1;
}

static bool take_one(struct jobserver *j)
{
	struct jobserver_account *a = j->account;
	char token;

	if (a->nr_taken == JOBSERVER_MAX_TOKENS || read(j->read_fd, &token, 1) != 1)
		return false;
	if (a->lent)
		a->lent = 0;
	else
		a->taken[a->nr_taken++] = token;
	return true;
}

void jobserver_give(struct jobserver *j, unsigned int n)
{
	while (jobserver_exists(j) && jobserver_tokens_held(j) > n)
		give_one(j);
}

bool jobserver_take(struct jobserver *j, unsigned int n)
{
	unsigned int before = jobserver_tokens_held(j);

	while (jobserver_exists(j) && jobserver_tokens_held(j) < n) {
		if (!take_one(j)) {
			jobserver_give(j, before);
			return false;
		}
	}
	return true;
}

void jobserver_restore(struct jobserver *j, int64_t deadline_ns)
{
	struct pollfd in = { j->read_fd, POLLIN, 0 };

	jobserver_give(j, 1);
	while (jobserver_exists(j) && !jobserver_take(j, 1) &&
	       clock_ns() < deadline_ns)
		poll(&in, 1, deadline_poll_ms(deadline_ns));
}
