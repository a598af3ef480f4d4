// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the parsing of MAKEFLAGS, which says where make's job tokens are. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner/gate/jobserver.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	struct jobserver_account *account = jobserver_account_new(NULL);
	char *flags = strndup((const char *)data, size);
	struct jobserver j;

	jobserver_dry_run(flags);
	jobserver_open(&j, flags, account);
	if (jobserver_exists(&j)) {
		close(j.read_fd);
		if (j.write_fd != j.read_fd)
			close(j.write_fd);
	}
	munmap(account, sizeof(*account));
	free(flags);
}
