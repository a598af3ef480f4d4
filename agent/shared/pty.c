// SPDX-License-Identifier: GPL-2.0-only
/* Pseudo-terminals; see pty.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "agent/shared/pty.h"

/* Lets the kernel's line editing erase whole characters of UTF-8. */
static void set_modes(int fd)
{
	struct termios modes;

	if (tcgetattr(fd, &modes))
		return;
	modes.c_iflag |= IUTF8;
	tcsetattr(fd, TCSANOW, &modes);
}

int pty_open(int *master, int *slave)
{
	int unlock = 0, err;

	*slave = -1;
	*master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*master < 0)
		return -errno;
	if (!ioctl(*master, TIOCSPTLCK, &unlock))
		*slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave >= 0) {
		set_modes(*slave);
		return 0;
	}
	err = errno;
	close(*master);
	*master = -1;
	return -err;
}

void pty_set_size(int fd, uint32_t rows, uint32_t cols)
{
	struct winsize size = {
		.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols,
	};

	ioctl(fd, TIOCSWINSZ, &size);
}
