// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads of the supervisor that wait for thread workers, one for each: see
 * announce_end().
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/death.h"
#include "agent/shared/futex.h"
#include "agent/thread_watch.h"

struct watch {
	struct mailbox *box;
	int notify_fd;
};

static void *watch_thread(void *arg)
{
	struct watch w = *(struct watch *)arg;
	uint64_t one = 1;

	free(arg);
	while (!mailbox_thread_ended(w.box))
		futex_wait(&w.box->alive, atomic_load(&w.box->alive) & ~(uint32_t)FUTEX_OWNER_DIED);
	if (write(w.notify_fd, &one, sizeof(one)) < 0)
		/* A write to the supervisor's own eventfd cannot fail. */
		_exit(1);
	return NULL;
}

static void start_watch(struct supervisor *s, struct mailbox *box)
{
	struct watch *w = malloc(sizeof(*w));
	pthread_attr_t attr;
	pthread_t thread;

	if (!w)
		return;
	*w = (struct watch){ box, s->notify_fd };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64u << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, watch_thread, w)) {
		dprintf(2, "provium agent: no memory to watch a thread worker: its end will not be noticed\n");
		free(w);
	}
	pthread_attr_destroy(&attr);
}

void thread_watch_all(struct supervisor *s)
{
	for_each_channel(s, channel) {
		struct mailbox *box = roster_box(s, channel);
		struct roster_entry *m = roster_entry(s, channel);

		if (!atomic_load(&box->thread) || !mailbox_is_on(box))
			continue;
		if (mailbox_thread_ended(box)) {
			death_of_thread(s, channel);
		} else if (!m->watched) {
			m->watched = true;
			start_watch(s, box);
		}
	}
}
