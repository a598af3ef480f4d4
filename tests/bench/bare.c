// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of the bare VMs with which `make bench` compares Provium's VMs: it
 * powers off, or echoes what arrives on the virtio-serial port.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

static void echo(void)
{
	char buf[4096];
	int fd;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	do {
		poll(NULL, 0, 1);	/* waits until the driver has created the port */
		fd = open("/dev/vport0p1", O_RDWR);
	} while (fd < 0);
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n > 0 && write(fd, buf, (size_t)n) != n)
			break;
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "echo"))
		echo();
	reboot(RB_AUTOBOOT);
	return 1;
}
