// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the parsing of MAKEFLAGS, which says where make's job tokens are
 * (here: a pipe with the descriptors 100 and 101, or the FIFO "fifo" in the
 * working directory), and the reading of the account that a killed runner has
 * left.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/gate/jobserver.h"
#include "tests/fuzz/fuzz.h"

enum { READ_FD = 100, WRITE_FD };

static struct jobserver_account *account;

static void set_up(void)
{
	int fds[2];

	if (account)
		return;
	account = jobserver_account_new(NULL);
	fuzz_folder();
	if (!account || pipe(fds) || dup2(fds[0], READ_FD) != READ_FD ||
	    dup2(fds[1], WRITE_FD) != WRITE_FD || mkfifo("fifo", 0600))
		abort();
}

static void open_flags(const uint8_t *data, size_t size)
{
	char *flags = strndup((const char *)data, size);
	struct jobserver j;

	jobserver_dry_run(flags);
	jobserver_open(&j, flags, account);
	if (jobserver_exists(&j)) {
		close(j.read_fd);
		if (j.write_fd > WRITE_FD)
			close(j.write_fd);
	}
	free(flags);
}

static void open_account(const uint8_t *data, size_t size)
{
	struct jobserver_account *a = jobserver_account_open(fuzz_file("account", data, size));
	struct jobserver j = { .read_fd = -1, .account = a };

	if (!a)
		return;
	if (jobserver_tokens_held(&j) > JOBSERVER_MAX_TOKENS + 1)
		abort();
	munmap(a, sizeof(*a));
}

void fuzz(const uint8_t *data, size_t size)
{
	set_up();
	open_flags(data, size);
	if (size == sizeof(*account) || size == 1)
		open_account(data, size);
}
