// SPDX-License-Identifier: GPL-2.0-only
/* The process that interrupts the others; see noise.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/guest/noise.h"

#define NS_PER_S 1000000000ull
/*
 * The longest time between two looks at an idle guest.  Each look costs the
 * host a wake-up.
 */
#define IDLE_NS 20000000u
/* One interruption in this many holds the processor for a while. */
#define HOLD_EVERY 4
#define NR_YOUNG 8
#define MAX_NICE 10

/* splitmix64 (Steele, Lea, Flood 2014): returns the next random number. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Sleeps.  Returns how much longer that took, in ns. */
static uint64_t sleep_ns(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S),
	};
	uint64_t start = now_ns(), took;

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	took = now_ns() - start;
	return took > ns ? took - ns : 0;
}

/* Holds the processor.  Timers expire meanwhile, and wake other processes. */
static void hold_ns(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/*
 * Has this process interrupted another one?  fd: /proc/loadavg.  Returns the
 * pid of the youngest process then, else 0.
 */
static pid_t interrupts(int fd)
{
	char text[80];
	unsigned int running = 0;
	pid_t youngest = 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	sscanf(text, "%*s %*s %*s %u/%*u %d", &running, &youngest);
	return running > 1 ? youngest : 0;
}

/*
 * Gives one of the youngest processes, which are likely the test's, another
 * priority: the scheduler lets a process that has just been created wait for
 * the others, and would hardly change to it at an interruption.
 */
static void change_priority(uint64_t random, pid_t youngest)
{
	setpriority(PRIO_PROCESS, (id_t)youngest - random % NR_YOUNG,
		    (int)(random >> 33) % (2 * MAX_NICE + 1) - MAX_NICE);
}

/*
 * Does not interrupt an idle guest at that rate: the host would get a wake-up
 * for each, and a recording some events.  Sleeps longer where an interruption
 * takes long (a kernel with lockdep, a slow clock): this process has a higher
 * priority than all others, and must leave them time.
 */
static noreturn void make_noise(uint64_t seed, uint64_t mean_ns)
{
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	uint64_t pause_ns = mean_ns, cost_ns = 0;
	pid_t youngest;

	for (;;) {
		uint64_t late_ns = sleep_ns(next(&seed) % (2 * pause_ns) + 1);

		cost_ns = (3 * cost_ns + 2 * late_ns) / 4;
		youngest = interrupts(fd);
		if (youngest) {
			pause_ns = mean_ns > cost_ns ? mean_ns : cost_ns;
			change_priority(next(&seed), youngest);
			if (next(&seed) % HOLD_EVERY == 0)
				hold_ns(next(&seed) % mean_ns);
		} else if (pause_ns < IDLE_NS) {
			pause_ns *= 2;
		}
	}
}

int noise_start(const char *arg)
{
	struct sched_param first = { .sched_priority = 1 };
	unsigned long long seed, mean_ns;
	pid_t pid;

	if (sscanf(arg, "%llu,%llu", &seed, &mean_ns) != 2 || !mean_ns)
		return -EINVAL;
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : 0;
	prctl(PR_SET_NAME, "provium-noise");
	mlockall(MCL_CURRENT);
	sched_setscheduler(0, SCHED_FIFO, &first);
	make_noise(seed, mean_ns);
}
