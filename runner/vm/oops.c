// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notices on the console that the kernel has reported an oops, a lockup or a
 * stall, after which a call in flight may never return; see internal.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/complaint/parser.h"
#include "runner/qemu/console.h"
#include "runner/vm/internal.h"

/*
 * No event tells that QEMU has written to the console, which is a memory file.
 */
#define LOOK_S 0.25
/*
 * Seconds that a call in flight still gets after an oops; multiplied by
 * vm_slowness().
 */
#define LIMIT_S 1.0
#define KERNEL_FACILITY 0		/* priority >> 3 of a record (syslog(2)) */

void vm_watch_oops(struct vm *vm, bool on)
{
	complaint_parser_free(vm->oops.parser);
	vm->oops = (struct oops){ .watching = on, .read = console_size(vm->output.console_fd) };
}

/* Returns the number of reports after which a call in flight may not return. */
static size_t count_ends(const struct complaint_parser *p)
{
	const struct complaint *list;
	size_t nr, ends = 0;

	list = complaint_parser_reports(p, &nr);
	for (size_t i = 0; i < nr; i++)
		ends += list[i].fatal || list[i].stuck;
	return ends;
}

/*
 * Feeds all complete lines of the text to the parser.  Returns the number of
 * bytes read.
 */
static size_t feed(struct complaint_parser *p, const char *text, size_t len,
		   const char *(*cut)(const char *line, size_t *len))
{
	const char *at = text, *end;

	while ((end = memchr(at, '\n', len - (size_t)(at - text)))) {
		size_t n = (size_t)(end - at);
		const char *line = cut ? cut(at, &n) : at;

		if (line)
			complaint_parser_feed(p, line, n, 0, 0);
		at = end + 1;
	}
	return (size_t)(at - text);
}

/*
 * Returns the text of a record "prio,seq,usec,flags;text" of /dev/kmsg; NULL if
 * user space wrote it.
 */
static const char *kernel_text(const char *record, size_t *len)
{
	const char *text = memchr(record, ';', *len);

	if (!text || strtoul(record, NULL, 10) >> 3 != KERNEL_FACILITY)
		return NULL;
	text++;
	*len -= (size_t)(text - record);
	return text;
}

/*
 * Did the kernel print the report of an oops that the console shows? User space
 * can write such text to the console, too.  Returns false if the kernel's log
 * has no such report; true also if the log cannot be read.
 */
static bool is_confirmed(struct vm *vm)
{
	struct wire_kmsg_req req = { 0 };
	struct err ignored;
	struct vm_call *call = vm_send(vm, WIRE_OP_kmsg, &req, &ignored);
	int64_t deadline_ns = deadline_in(LIMIT_S * vm_slowness(vm));
	struct complaint_parser *p;
	bool found;

	while (call && !call->done && vm->state == VM_RUNNING)
		if (vm_step(vm, deadline_ns))
			break;
	if (!call)
		return true;
	p = complaint_parser_new();
	feed(p, buf_str(&call->reply.stream[1]), call->reply.stream[1].len, kernel_text);
	found = count_ends(p) || !call->done || call->reply.kind != WIRE_REPLY;
	complaint_parser_free(p);
	vm_call_free(vm, call);
	return found;
}

/* Reads what the console got since the last look. */
static void look(struct vm *vm)
{
	struct oops *o = &vm->oops;
	struct buf b = { 0 };
	off_t size = console_size(vm->output.console_fd);
	ssize_t n;

	if (!o->parser)
		o->parser = complaint_parser_new();
	if (size < o->read)
		o->read = 0;	/* a restore: the VM has another console */
	if (size == o->read)
		return;
	n = pread(vm->output.console_fd, buf_room(&b, (size_t)(size - o->read)),
		  (size_t)(size - o->read), o->read);
	if (n > 0)
		o->read += (off_t)feed(o->parser, (char *)b.p, (size_t)n, NULL);
	buf_release(&b);
	if (count_ends(o->parser) <= o->dismissed)
		return;
	if (is_confirmed(vm))
		o->since_ns = clock_ns();
	else
		o->dismissed = count_ends(o->parser);
}

int64_t vm_oops_limit(struct vm *vm, int64_t start_ns, int64_t deadline_ns)
{
	int64_t since_ns = vm->oops.since_ns > start_ns ? vm->oops.since_ns : start_ns;
	int64_t limit_ns = since_ns + (int64_t)(LIMIT_S * vm_slowness(vm) * 1e9);

	if (!vm->oops.since_ns || vm->debug.on)
		return deadline_ns;
	return limit_ns < deadline_ns ? limit_ns : deadline_ns;
}

int vm_oops_step(struct vm *vm, int64_t deadline_ns)
{
	int64_t look_ns = deadline_in(LOOK_S);
	int ret;

	if (!vm->oops.watching || vm->oops.since_ns || look_ns >= deadline_ns)
		return vm_step(vm, deadline_ns);
	ret = vm_step(vm, look_ns);
	if (ret != -ETIMEDOUT)
		return ret;
	look(vm);
	return 0;
}
