// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prepares a guest to be saved; sets the clock and fresh random numbers after
 * it was resumed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/random.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/guest/quiesce.h"
#include "agent/shared/high_fd.h"

#define ENTROPY_MAX_BYTES 256

int quiesce_open_random(void)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : high_fd(fd);
}

/*
 * Takes the address from a line of kallsyms ("ffffffff81234560 d base_crng") if
 * the line has that name.
 */
static void take_symbol(const char *line, const char *name, uint64_t *value)
{
	const char *at = strchr(line, ' ');
	size_t len = strlen(name);

	at = at ? strchr(at + 1, ' ') : NULL;
	/* The compiler can have changed the name to "name.isra.0". */
	if (at && !strncmp(at + 1, name, len) &&
	    strchr("\n\t.", at[1 + len]) && !*value)
		*value = strtoull(line, NULL, 16);
}

static void find_symbols(struct wire_quiesce_rep *p)
{
	FILE *list = fopen("/proc/kallsyms", "re");
	char line[512];

	while (list && fgets(line, sizeof(line), list)) {
		take_symbol(line, "base_crng", &p->base);
		take_symbol(line, "crngs", &p->each);
		take_symbol(line, "__per_cpu_offset", &p->offsets);
		take_symbol(line, "crng_reseed", &p->reseed);
	}
	if (list)
		fclose(list);
}

/*
 * Reads fd to the end of the log.  Returns the sequence number after the last
 * record.
 */
static uint64_t log_end(int fd)
{
	char record[8192];
	uint64_t next = 0;
	ssize_t n;

	while ((n = read(fd, record, sizeof(record) - 1)) > 0) {
		char *comma;

		record[n] = 0;
		comma = strchr(record, ',');
		next = comma ? strtoull(comma + 1, NULL, 10) + 1 : next;
	}
	return next;
}

/*
 * Writes the mark, a line that the runner has sent, to the kernel log.  Returns
 * its sequence number, at which the log of a resumed guest begins.
 */
static uint64_t mark_log(const struct wire_bytes *mark)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	uint64_t next = 0;

	if (fd < 0)
		return 0;
	lseek(fd, 0, SEEK_END);
	if (write(fd, mark->p, mark->len) > 0)
		next = log_end(fd);
	close(fd);
	return next ? next - 1 : 0;
}

void quiesce_guest(const struct wire_quiesce_req *q, struct wire_quiesce_rep *p,
		   int random_fd)
{
	*p = (struct wire_quiesce_rep){ 0 };
	if (q->symbols)
		find_symbols(p);
	sync();
	p->log = mark_log(&q->mark);
	/*
	 * Without this reseeding, all clones would use the same random bytes
	 * that the kernel has buffered.
	 */
	ioctl(random_fd, RNDRESEEDCRNG);
}

int quiesce_set_clock(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	return clock_settime(CLOCK_REALTIME, &ts) ? -errno : 0;
}

/*
 * Mixes the bytes into the kernel's entropy, and reseeds the random number
 * generator of every processor (random(4)).
 */
static int add_entropy(const struct wire_bytes *bytes, int random_fd)
{
	union {
		struct rand_pool_info info;
		uint8_t room[sizeof(struct rand_pool_info) + ENTROPY_MAX_BYTES];
	} pool;

	if (bytes->len > ENTROPY_MAX_BYTES)
		return -EINVAL;
	pool.info.entropy_count = (int)bytes->len * 8;
	pool.info.buf_size = (int)bytes->len;
	memcpy(pool.info.buf, bytes->p, bytes->len);
	return ioctl(random_fd, RNDADDENTROPY, &pool.info) ||
	       ioctl(random_fd, RNDRESEEDCRNG) ? -errno : 0;
}

int quiesce_resume(const struct wire_resume_req *q, int random_fd)
{
	int ret = quiesce_set_clock(q->time_ns);

	if (!ret && q->entropy.len)
		ret = add_entropy(&q->entropy, random_fd);
	return ret;
}

/*
 * Reads the line of /proc/PID/status that begins with name; empty if there is
 * none.
 */
static void status_line(pid_t pid, const char *name, char *line, size_t cap)
{
	char path[40];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, (int)cap, file))
		if (!strncmp(line, name, strlen(name))) {
			fclose(file);
			return;
		}
	if (file)
		fclose(file);
	*line = 0;
}

bool quiesce_can_set_clock(pid_t pid)
{
	char own[128], its[128];

	status_line(getpid(), "CapEff:", own, sizeof(own));
	status_line(pid, "CapEff:", its, sizeof(its));
	if (!*own || strcmp(own, its))
		return false;
	status_line(pid, "Seccomp:", its, sizeof(its));
	return !*its || strstr(its, "\t0");
}
