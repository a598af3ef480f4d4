// SPDX-License-Identifier: GPL-2.0-only
/* Finds out where a task is stuck, from /proc and the kernel log. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest/kernel_log.h"
#include "agent/guest/task_report.h"
#include "agent/guest/tasks.h"

#define MAX_DEPTH 8		/* processes below a command that are looked at */
#define LOOK_US 10000

static void append_file(char *buf, size_t cap, pid_t pid, const char *name)
{
	size_t used = strlen(buf);
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || used + 64 > cap)
		return;
	used += (size_t)snprintf(buf + used, cap - used, "%s: ", name);
	n = read(fd, buf + used, cap - used - 2);
	close(fd);
	used += n > 0 ? (size_t)n : 0;
	if (used && buf[used - 1] != '\n')
		buf[used++] = '\n';
	buf[used] = 0;
}

/*
 * Returns the letter of the task's state, as in proc(5); '?' if the task has
 * ended.
 */
static char task_state(pid_t pid)
{
	char state;

	return tasks_stat(pid, &state, NULL) ? state : '?';
}

/* Returns the parent of a process, and 0 if there is no such process. */
static pid_t parent_of(pid_t pid)
{
	pid_t parent;

	return tasks_stat(pid, NULL, &parent) ? parent : 0;
}

/* Returns that child of the process which has the highest pid, or 0. */
static pid_t last_child(pid_t pid)
{
	DIR *proc = opendir("/proc");
	struct dirent *ent;
	pid_t last = 0, child;

	while (proc && (ent = readdir(proc))) {
		child = atoi(ent->d_name);
		if (child > last && parent_of(child) == pid)
			last = child;
	}
	if (proc)
		closedir(proc);
	return last;
}

pid_t task_waited_for(pid_t pid)
{
	pid_t child = 0;

	for (int depth = 0; depth < MAX_DEPTH && (child = last_child(pid)); depth++)
		pid = child;
	return pid;
}

void task_report(pid_t task, char *report, size_t cap)
{
	char state = task_state(task);
	size_t used = strlen(report);

	snprintf(report + used, cap - used, "state: %c\n", state);
	append_file(report, cap, task, "wchan");
	append_file(report, cap, task, "syscall");
	append_file(report, cap, task, "stack");
	if (state == 'D')
		kernel_log_blocked_tasks(report, cap);
}

bool task_goes_on(pid_t task, int *looks)
{
	while (task_state(task) == 'R') {
		if (*looks < 0 || --*looks < 0)
			return true;
		usleep(LOOK_US);
	}
	return false;
}
