// SPDX-License-Identifier: GPL-2.0-only
/* Finds out where a task is stuck, from /proc and the kernel log. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest/kernel_log.h"
#include "agent/guest/task_report.h"

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
	char stat[512] = "", *end;

	append_file(stat, sizeof(stat), pid, "stat");
	end = strrchr(stat, ')');
	return end && end[1] == ' ' ? end[2] : '?';
}

void task_report(pid_t task, char *report, size_t cap)
{
	char state = task_state(task);

	snprintf(report, cap, "state: %c\n", state);
	append_file(report, cap, task, "wchan");
	append_file(report, cap, task, "syscall");
	append_file(report, cap, task, "stack");
	if (state == 'D')
		kernel_log_blocked_tasks(report, cap);
}
