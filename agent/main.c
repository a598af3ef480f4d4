// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent: PID 1 of a guest.  For tests it also runs as an ordinary process,
 * over a connected stream socket, or as a listener.
 *
 * The folders of agent/, each of which includes only those before it:
 *	wire		the protocol and its codec; shared with the runner
 *	shared		memory of all processes: link, mailboxes, jobs, races
 *	guest		what is done to the guest: boot, log, clock, random
 *	executor	the process that carries requests out
 *	ops		one file for each kind of request
 * and above them the supervisor's files, in the order that supervisor.h gives.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest/boot.h"
#include "agent/guest/drivers.h"
#include "agent/supervise.h"

static noreturn void guest(void)
{
	struct supervisor_config config = { .guest = true };
	char reason[256];

	boot_guest();
	/* The runner gives a VM either a virtio-serial port or vsock. */
	config.link_fd = boot_open_port();
	config.listen_fd = -1;
	if (config.link_fd == -ENODEV)
		config.listen_fd = boot_listen_vsock(WIRE_VSOCK_PORT);
	if (config.listen_fd < 0 && config.link_fd < 0) {
		drivers_explain(reason, sizeof(reason));
		boot_give_up("no link to the host: virtio-serial port %s: %s; vsock: %s; %s",
			     WIRE_PORT_NAME, strerror(-config.link_fd),
			     strerror(-config.listen_fd), reason);
	}
	if (config.link_fd < 0)
		dprintf(2, "provium agent: no virtio-serial port; listening on vsock port %u\n",
			WIRE_VSOCK_PORT);
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
	if (argc == 3 && !strcmp(argv[1], "--listen")) {
		config.listen_fd = atoi(argv[2]);
		supervise(&config);
	}
	if (argc == 3 && !strcmp(argv[1], "--vsock")) {
		config.listen_fd = boot_listen_vsock((unsigned int)atoi(argv[2]));
		if (config.listen_fd >= 0)
			supervise(&config);
		dprintf(2, "agent: vsock port %s: %s\n", argv[2],
			strerror(-config.listen_fd));
		return 1;
	}
	dprintf(2, "usage: agent --fd N        serve a connected stream socket\n"
		   "       agent --listen N    serve the connections of a listening socket\n"
		   "       agent --vsock PORT  listen on a vsock port\n"
		   "In a guest the kernel starts the agent as PID 1, without arguments.\n");
	return 2;
}
