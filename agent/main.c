// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent: PID 1 of a guest, or, with --fd N, the same agent on the host,
 * over a connected stream socket, for tests that need no VM.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"

static noreturn void guest(void)
{
	struct supervisor_config config = { .guest = true };

	boot_guest();
	config.listen_fd = boot_listen_vsock();
	config.link_fd = boot_open_port();
	if (config.listen_fd < 0 && config.link_fd < 0) {
		dprintf(2, "provium agent: no link to the host: virtio-serial port %s: %s; vsock: %s\n",
			WIRE_PORT_NAME, strerror(-config.link_fd),
			strerror(-config.listen_fd));
		exit(1);
	}
	if (config.link_fd < 0)
		dprintf(2, "provium agent: no virtio-serial port (%s); listening on vsock port %u\n",
			strerror(-config.link_fd), WIRE_VSOCK_PORT);
	supervise(&config);
}

int main(int argc, char **argv)
{
	struct supervisor_config config = { .link_fd = -1, .listen_fd = -1 };

	if (getpid() == 1)
		guest();
	if (argc == 3 && !strcmp(argv[1], "--fd")) {
		config.link_fd = atoi(argv[2]);
		supervise(&config);
	}
	dprintf(2, "usage: agent --fd N (N: a connected stream socket)\n"
		   "In a guest it is started by the kernel, as PID 1 and without arguments.\n");
	return 2;
}
