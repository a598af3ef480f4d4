// SPDX-License-Identifier: GPL-2.0-only
/* Gives the role of reading the link to executors, and takes it back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/reader_role.h"
#include "agent/terminal.h"

static bool can_read(const struct mailbox *box)
{
	return mailbox_is_on(box) && !atomic_load(&box->no_role) &&
	       atomic_load(&box->busy) == BOX_IDLE;
}

pid_t reader_role_idle_executor(struct supervisor *s)
{
	struct mailbox *box = roster_box(s, WIRE_EXECUTOR);

	if (!can_read(box))
		return 0;
	atomic_store(&s->shared->recent, WIRE_EXECUTOR);
	return atomic_load(&box->pid);
}

/*
 * A test usually makes several calls in one executor, so the next frame is
 * probably for the executor that was used last.
 */
void reader_role_give(struct supervisor *s)
{
	uint32_t channel = atomic_load(&s->shared->recent);

	if (!channel || channel > CHANNELS || !mailbox_is_on(roster_box(s, channel)))
		channel = WIRE_EXECUTOR;
	/* While a terminal is open, most frames are for the supervisor. */
	if (atomic_load(&s->link.state->role) != LINK_SUPERVISOR || s->keep_role ||
	    terminal_any() ||
	    s->link.fd < 0 || !s->link.greeted ||
	    !can_read(roster_box(s, channel)) || !link_make_clean(&s->link))
		return;
	atomic_store(&s->link.state->role, link_reader(channel));
	mailbox_ring(roster_box(s, channel));
}

bool reader_role_is_given(struct supervisor *s)
{
	uint32_t role = atomic_load(&s->link.state->role);

	return role && role == link_reader(role >> 1);
}

/* --- taking the role during a call that lasts --- */

void reader_role_timer(struct supervisor *s)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = LINK_TAKE_OVER_NS };
	uint32_t calls, role;
	uint64_t count;

	if (read(s->timer_fd, &count, sizeof(count)) < 0)
		return;
	atomic_store(&s->link.state->armed, 0);
	calls = atomic_load(&s->link.state->calls);
	role = atomic_load(&s->link.state->role);
	if (!role || role != link_in_call(role >> 1))
		return;
	/*
	 * No call began since the timer ran out the last time, so the same call
	 * still runs.
	 */
	if (calls == s->calls_seen &&
	    atomic_compare_exchange_strong(&s->link.state->role, &role,
					   LINK_SUPERVISOR))
		return;
	s->calls_seen = calls;
	atomic_store(&s->link.state->armed, 1);
	timerfd_settime(s->timer_fd, 0, &soon, NULL);
}

void reader_role_stop_timer(struct supervisor *s)
{
	static const struct itimerspec off;

	timerfd_settime(s->timer_fd, 0, &off, NULL);
	atomic_store(&s->link.state->armed, 0);
}

/* --- taking the role from an executor that died or was stopped --- */

/*
 * A request that an executor has accepted, and whose bytes are still in the
 * receive buffer, must not be carried out by the next executor: the runner is
 * told that the first executor died.
 */
static void drop_accepted(struct supervisor *s, struct mailbox *box)
{
	struct wire_header hdr;

	if (atomic_load(&box->busy) == BOX_BUSY && link_peek(&s->link, &hdr) > 0 &&
	    hdr.tag == box->req.tag && hdr.channel == box->req.channel)
		link_drop(&s->link, &hdr);
}

void reader_role_ring(struct supervisor *s)
{
	uint32_t role = atomic_load(&s->link.state->role);

	if (role && role == link_reader(role >> 1) && role >> 1 <= CHANNELS)
		mailbox_ring(roster_box(s, role >> 1));
}

void reader_role_check(struct supervisor *s)
{
	uint32_t role = atomic_load(&s->link.state->role);

	if (role && (role >> 1 > CHANNELS || !mailbox_is_on(roster_box(s, role >> 1))))
		atomic_store(&s->link.state->role, LINK_SUPERVISOR);
}

/*
 * The executor may have been stopped between marking the timer as armed and
 * setting the timer.
 */
void reader_role_take_from_stopped(struct supervisor *s, uint32_t channel)
{
	uint32_t in_call = link_in_call(channel);

	if (atomic_compare_exchange_strong(&s->link.state->role, &in_call, LINK_SUPERVISOR))
		atomic_store(&s->link.state->armed, 0);
	reader_role_ring(s);
}

void reader_role_take_from_dead(struct supervisor *s, uint32_t channel)
{
	if (atomic_load(&s->link.state->role) >> 1 == channel) {
		atomic_store(&s->link.state->role, LINK_SUPERVISOR);
		link_recover(&s->link);
		drop_accepted(s, roster_box(s, channel));
	}
	reader_role_ring(s);
	/*
	 * The executor can have died between marking the timer as armed and
	 * setting the timer.
	 */
	atomic_store(&s->link.state->armed, 0);
}

/* --- a new link to the runner --- */

/*
 * Does that task have a seccomp filter? Returns true if that cannot be
 * determined.
 */
static bool is_filtered(pid_t tid)
{
	char path[64], line[128];
	bool filtered;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	status = fopen(path, "re");
	filtered = !status;
	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "Seccomp:", 8))
			filtered = atoi(line + 8);
	if (status)
		fclose(status);
	return filtered;
}

void reader_role_new_link(struct supervisor *s)
{
	for_each_channel(s, channel) {
		struct mailbox *box = roster_box(s, channel);

		if (!mailbox_is_on(box))
			continue;
		atomic_store(&box->filtered, is_filtered(atomic_load(&box->tid)));
		mailbox_ring(box);
	}
}
