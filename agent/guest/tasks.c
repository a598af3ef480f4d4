// SPDX-License-Identifier: GPL-2.0-only
/* Reads the tasks of calls from /proc; see tasks.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/guest/tasks.h"

#define PROCESSES_MAX 4096u
#define TICK_NS 10000000u		/* unit of /proc/stat: 1/USER_HZ, on x86 */

/* Reads a file of /proc as text.  Returns false if there is none. */
static bool read_text(const char *path, char *text, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, cap - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

static bool read_of_task(pid_t tid, const char *name, char *text, size_t cap)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	return read_text(path, text, cap);
}

/* --- one task --- */

/* Returns the text behind the name in the text of /proc/TID/stat, or NULL. */
static const char *behind_name(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

bool tasks_stat(pid_t tid, char *state, pid_t *parent)
{
	char stat[512], letter;
	const char *rest = NULL;
	int pid;

	if (read_of_task(tid, "stat", stat, sizeof(stat)))
		rest = behind_name(stat);
	if (!rest || sscanf(rest, "%c %d", &letter, &pid) != 2)
		return false;
	if (state)
		*state = letter;
	if (parent)
		*parent = pid;
	return true;
}

/*
 * Does a task that is in this system call go on by itself after some time?  The
 * arguments are those of the call.
 */
static bool is_timed(long nr, const uint64_t a[6])
{
	switch (nr) {
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_restart_syscall:	/* one of the others, after a stop */
		return true;
	case SYS_poll:
		return (int)a[2] >= 0;
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
		return (int)a[3] >= 0;
	case SYS_ppoll:
	case SYS_rt_sigtimedwait:
		return a[2];
	case SYS_futex:
	case SYS_semtimedop:
		return a[3];
	case SYS_select:
	case SYS_pselect6:
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
	case SYS_io_getevents:
	case SYS_recvmmsg:
		return a[4];
	}
	return false;
}

static bool reads_timer(pid_t tid, long nr, uint64_t fd)
{
	static const char timer[] = "anon_inode:[timerfd]";
	char path[64], link[sizeof(timer)] = "";

	if (nr != SYS_read)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, (int)fd);
	return readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, timer);
}

/* A program that waits for a signal has most likely set a timer before. */
static bool waits_for_signal(long nr)
{
	return nr == SYS_pause || nr == SYS_rt_sigsuspend || nr == SYS_rt_sigtimedwait;
}

static void read_call(pid_t tid, bool is_program, struct wire_task *task)
{
	unsigned long long a[6];
	char text[256];
	long nr;

	task->nr = -1;
	if (!read_of_task(tid, "syscall", text, sizeof(text)) ||
	    sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &nr, &a[0], &a[1], &a[2],
		   &a[3], &a[4], &a[5]) != 7)
		return;
	task->nr = nr;
	task->timed = is_timed(nr, (uint64_t[]){ a[0], a[1], a[2], a[3], a[4], a[5] }) ||
		reads_timer(tid, nr, a[0]) || (is_program && waits_for_signal(nr));
}

static uint64_t number_after(const char *text, const char *word)
{
	const char *found = strstr(text, word);

	return found ? strtoull(found + strlen(word), NULL, 10) : 0;
}

static uint64_t read_runs(pid_t tid)
{
	char text[4096];

	read_of_task(tid, "status", text, sizeof(text));
	return number_after(text, "\nvoluntary_ctxt_switches:") +
		number_after(text, "\nnonvoluntary_ctxt_switches:");
}

static void read_place(pid_t tid, char *place, size_t cap)
{
	char text[64];

	read_of_task(tid, "wchan", text, sizeof(text));
	snprintf(place, cap, "%s", strcmp(text, "0") ? text : "");
}

/* Returns false if there is no such task. is_program: tell its name. */
static bool add(struct tasks *t, uint32_t channel, pid_t tid, bool is_program)
{
	struct wire_task *task = &t->task[t->nr];
	char *name = t->name[t->nr], *place = t->place[t->nr], stat[512];
	const char *rest;

	if (!read_of_task(tid, "stat", stat, sizeof(stat)))
		return false;
	rest = behind_name(stat);
	if (!rest)
		return false;
	name[0] = 0;
	if (is_program)
		sscanf(stat, "%*d (%15[^)]", name);
	*task = (struct wire_task){ .channel = channel, .pid = tid, .state = (uint8_t)*rest };
	read_call(tid, is_program, task);
	read_place(tid, place, sizeof(t->place[0]));
	task->runs = read_runs(tid);
	task->name = (struct wire_bytes){ name, (uint32_t)strlen(name) };
	task->place = (struct wire_bytes){ place, (uint32_t)strlen(place) };
	return true;
}

static void add_if_room(struct tasks *t, uint32_t channel, pid_t tid, bool is_program)
{
	if (t->nr == WIRE_TASKS)
		t->more = true;
	else
		t->nr += add(t, channel, tid, is_program);
}

void tasks_add(struct tasks *t, uint32_t channel, pid_t tid)
{
	add_if_room(t, channel, tid, false);
}

/* --- processes and their children --- */

struct process {
	pid_t pid, parent;
};

/* Returns how many processes there are in the guest; at most cap are listed. */
static size_t list_processes(struct process *list, size_t cap)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t nr = 0;

	while (proc && nr < cap && (entry = readdir(proc))) {
		list[nr].pid = atoi(entry->d_name);
		nr += list[nr].pid > 0 && tasks_stat(list[nr].pid, NULL, &list[nr].parent);
	}
	if (proc)
		closedir(proc);
	return nr;
}

static pid_t parent_in(const struct process *list, size_t nr, pid_t pid)
{
	for (size_t i = 0; i < nr; i++)
		if (list[i].pid == pid)
			return list[i].parent;
	return 0;
}

/* Returns the root that the process is or descends from, or NULL. */
static const struct tasks_root *root_of(const struct process *list, size_t nr_processes,
					const struct tasks_root *roots, size_t nr, pid_t pid)
{
	for (size_t depth = 0; pid > 1 && depth < nr_processes; depth++) {
		for (size_t i = 0; i < nr; i++)
			if (roots[i].pid == pid)
				return &roots[i];
		pid = parent_in(list, nr_processes, pid);
	}
	return NULL;
}

static void add_threads(struct tasks *t, uint32_t channel, pid_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) > 0)
			add_if_room(t, channel, atoi(entry->d_name), true);
	if (dir)
		closedir(dir);
}

void tasks_add_below(struct tasks *t, const struct tasks_root *roots, size_t nr)
{
	static struct process list[PROCESSES_MAX];
	size_t nr_processes = nr ? list_processes(list, PROCESSES_MAX) : 0;
	const struct tasks_root *root;

	t->more |= nr_processes == PROCESSES_MAX;
	for (size_t i = 0; i < nr_processes; i++) {
		root = root_of(list, nr_processes, roots, nr, list[i].pid);
		if (root)
			add_threads(t, root->channel, list[i].pid);
	}
}

/* --- the processors --- */

uint64_t tasks_busy_ns(void)
{
	unsigned long long user, nice, system, iowait, irq, softirq;
	char text[256];

	if (!read_text("/proc/stat", text, sizeof(text)) ||
	    sscanf(text, "cpu %llu %llu %llu %*u %llu %llu %llu", &user, &nice, &system, &iowait,
		   &irq, &softirq) != 6)
		return 0;
	return (user + nice + system + iowait + irq + softirq) * TICK_NS;
}
