// SPDX-License-Identifier: GPL-2.0-only
/* The terminal on stdin; see tty.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runner/base/tty.h"

void tty_init(struct tty *tty)
{
	*tty = (struct tty){ .fd = -1, .size_fd = -1 };
}

bool tty_on_stdin(void)
{
	return isatty(STDIN_FILENO);
}

int tty_open(struct tty *tty, struct err *err)
{
	const int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	sigset_t size_changed;

	if (!tty_on_stdin())
		return err_set(err, ERR_USER, -ENOTTY, "stdin is not a terminal");
	tty->fd = open("/proc/self/fd/0", flags);
	/* After su(1) the terminal belongs to another user. */
	if (tty->fd < 0)
		tty->fd = open("/dev/tty", flags);
	if (tty->fd < 0)
		return err_set(err, ERR_USER, -errno, "cannot open the terminal on stdin: %s",
			       strerror(errno));
	sigemptyset(&size_changed);
	sigaddset(&size_changed, SIGWINCH);
	sigprocmask(SIG_BLOCK, &size_changed, &tty->saved_signals);
	tty->size_fd = signalfd(-1, &size_changed, SFD_CLOEXEC | SFD_NONBLOCK);
	if (tty->size_fd >= 0)
		return 0;
	err_set(err, ERR_BROKEN, -errno, "signalfd: %s", strerror(errno));
	tty_release(tty);
	return -EMFILE;
}

int tty_set_raw(struct tty *tty)
{
	struct termios raw;

	if (tcgetattr(tty->fd, &tty->saved))
		return -errno;
	raw = tty->saved;
	cfmakeraw(&raw);
	if (tcsetattr(tty->fd, TCSADRAIN, &raw))
		return -errno;
	tty->is_raw = true;
	return 0;
}

void tty_release(struct tty *tty)
{
	if (tty->fd < 0)
		return;
	if (tty->is_raw)
		tcsetattr(tty->fd, TCSADRAIN, &tty->saved);
	sigprocmask(SIG_SETMASK, &tty->saved_signals, NULL);
	if (tty->size_fd >= 0)
		close(tty->size_fd);
	close(tty->fd);
	tty_init(tty);
}

void tty_size(int fd, unsigned int *rows, unsigned int *cols)
{
	struct winsize size = { 0 };

	ioctl(fd, TIOCGWINSZ, &size);
	*rows = size.ws_row ? size.ws_row : 24;
	*cols = size.ws_col ? size.ws_col : 80;
}

size_t tty_usable_columns(void)
{
	unsigned int rows, columns;

	tty_size(STDOUT_FILENO, &rows, &columns);
	return columns - 1;
}
