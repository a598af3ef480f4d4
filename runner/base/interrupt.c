// SPDX-License-Identifier: GPL-2.0-only
/* Signal handlers. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "runner/base/interrupt.h"

#define MAX_ALARM_S 1e9		/* 31 years; a longer time could overflow a time_t */

static volatile sig_atomic_t pending;
static void (*volatile hook)(void);
static int event_fd = -1;

static void handler(int sig)
{
	uint64_t one = 1;
	int saved = errno;

	/*
	 * The first SIGALRM had no effect: the process hangs in code where Lua
	 * calls no hook.
	 */
	if (sig == SIGALRM && pending == SIGALRM)
		_exit(INTERRUPT_STUCK);
	if (sig == SIGALRM)
		alarm(INTERRUPT_GRACE_S);
	/*
	 * A signal from outside replaces a pending time limit, but not the
	 * other way round.
	 */
	if (!pending || sig != SIGALRM)
		pending = sig;
	if (write(event_fd, &one, sizeof(one)) < 0)
		(void)0;	/* the eventfd's counter is full, so the descriptor is readable */
	if (hook)
		hook();
	errno = saved;
}

int interrupt_init(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };
	struct sigaction sa = { .sa_handler = handler };

	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event_fd < 0)
		return -errno;
	sigemptyset(&sa.sa_mask);
	for (unsigned int i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a write(2) over the limit then
					 * fails with EFBIG, which its caller
					 * reports */
	return 0;
}

void interrupt_set_hook(void (*fn)(void))
{
	hook = fn;
}

int interrupt_fd(void)
{
	return event_fd;
}

int interrupt_pending(void)
{
	return pending;
}

void interrupt_by(int sig)
{
	handler(sig);
}

void interrupt_forget(void)
{
	uint64_t count;

	pending = 0;
	if (read(event_fd, &count, sizeof(count)) < 0)
		(void)0;	/* the descriptor was not readable: no event to remove */
}

void interrupt_alarm(double seconds)
{
	struct itimerval off = { 0 }, it = { 0 };

	setitimer(ITIMER_REAL, &off, NULL);
	if (pending == SIGALRM)
		interrupt_forget();
	if (seconds <= 0)
		return;
	if (seconds > MAX_ALARM_S)
		seconds = MAX_ALARM_S;
	it.it_value.tv_sec = (time_t)seconds;
	it.it_value.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6);
	if (!it.it_value.tv_sec && !it.it_value.tv_usec)
		it.it_value.tv_usec = 1;
	setitimer(ITIMER_REAL, &it, NULL);
}
