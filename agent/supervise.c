// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's loop: it reads frames, passes them on, and reaps children.
 * It carries out no op of a test, so nothing that a test does to its executor
 * can end the guest or the link.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/death.h"
#include "agent/guest/module_folder.h"
#include "agent/guest/quiesce.h"
#include "agent/post.h"
#include "agent/reader_role.h"
#include "agent/reply.h"
#include "agent/send.h"
#include "agent/shared/high_fd.h"
#include "agent/supervise.h"
#include "agent/supervisor_ops.h"
#include "agent/terminal.h"
#include "agent/thread_watch.h"

/*
 * Reaps every child that has ended; one SIGCHLD can stand for several.  SIGUSR1
 * is modprobe's request (agent/guest/module_folder.h).
 */
static void take_signal(struct supervisor *s)
{
	struct signalfd_siginfo info = { 0 };
	int status;
	pid_t pid;

	if (read(s->sig_fd, &info, sizeof(info)) < 0 && errno != EAGAIN)
		return;
	if (info.ssi_signo == SIGUSR1)
		reply_want_modules(s);
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		if (!terminal_child_ended(s, pid, status))
			death_of_child(s, pid, status);
}

/* --- frames from the runner --- */

/*
 * Passes a frame to the executor of its channel, or handles it.  0, or -errno:
 * the link must be dropped.
 */
static int route(struct supervisor *s, const struct wire_header *hdr)
{
	if ((hdr->kind != WIRE_REQUEST && hdr->kind != WIRE_ASYNC) ||
	    (!s->link.greeted && hdr->op != WIRE_OP_hello))
		return -EPROTO;
	s->keep_role = false;
	if (hdr->channel == WIRE_SUPERVISOR)
		return supervisor_op(s, hdr);
	post_request(s, hdr);
	return 0;
}

static noreturn void end_agent(struct supervisor *s, int status)
{
	roster_kill_all(s);
	terminal_close_all();
	exit(status);
}

static void drop_link(struct supervisor *s, const char *reason)
{
	dprintf(2, "provium agent: link dropped: %s\n", reason);
	if (!s->config.guest && s->config.listen_fd < 0)
		end_agent(s, 1);
	/*
	 * Executors have copies of the descriptor, so closing this one does not
	 * end the connection.
	 */
	shutdown(s->link.fd, SHUT_RDWR);
	terminal_close_all();
	send_reset(s);
	link_detach(&s->link);
}

/* Handles the frames that have been read completely. */
static void take_frames(struct supervisor *s)
{
	struct wire_header hdr;
	int ret = 0;

	while (s->link.fd >= 0 && !ret &&
	       (ret = link_peek(&s->link, &hdr)) > 0) {
		ret = route(s, &hdr);
		link_drop(&s->link, &hdr);
	}
	if (ret < 0)
		drop_link(s, ret == -EPROTO ?
			  "a frame that is no request, or a first one that is not hello" :
			  "malformed frame");
}

static void serve_link(struct supervisor *s)
{
	ssize_t n = link_fill(&s->link, false);

	if (n > 0 || n == -EAGAIN)
		return;
	if (!n && !s->config.guest && s->config.listen_fd < 0)
		end_agent(s, 0);
	drop_link(s, n ? strerror((int)-n) : "the runner closed the connection");
}

/* --- new links, and the main loop --- */

/*
 * Handles a new connection from the runner.  If an executor reads the old link,
 * the old link is ended, so that the executor gives the role back first.
 */
static void accept_link(struct supervisor *s)
{
	int fd = accept4(s->config.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		fd = high_fd(fd);
	if (fd < 0)
		return;
	if (s->next_fd >= 0)
		close(s->next_fd);
	s->next_fd = fd;
	if (s->link.fd >= 0)
		shutdown(s->link.fd, SHUT_RDWR);
}

static void attach_next(struct supervisor *s)
{
	if (s->next_fd < 0 || reader_role_is_given(s))
		return;
	atomic_store(&s->link.state->role, LINK_SUPERVISOR);
	terminal_close_all();
	send_reset(s);
	link_attach(&s->link, s->next_fd);
	s->next_fd = -1;
	reply_ready(s);
	if (atomic_load(&s->shared->box[0].life) == LIFE_NONE)
		roster_start_executor(s);
	reader_role_new_link(s);
}

static int set_up(struct supervisor *s, const struct supervisor_config *config)
{
	sigset_t signals;

	s->config = *config;
	s->next_fd = -1;
	if (link_init(&s->link))
		return -ENOMEM;
	if (roster_init(s))
		return -ENOMEM;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	s->sig_fd = high_fd(signalfd(-1, &signals, SFD_NONBLOCK));
	s->notify_fd = high_fd(eventfd(0, EFD_NONBLOCK));
	s->timer_fd = high_fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	s->frame_fd = high_fd(memfd_create("frame", 0));
	s->random_fd = quiesce_open_random();
	if (s->config.listen_fd >= 0)
		s->config.listen_fd = high_fd(s->config.listen_fd);
	if (config->link_fd >= 0) {
		link_attach(&s->link, high_fd(config->link_fd));
		reply_ready(s);
	}
	if (config->guest)
		module_folder_announce();
	if (s->sig_fd < 0 || s->notify_fd < 0 || s->timer_fd < 0)
		return -EMFILE;
	return 0;
}

#define FIXED_FDS 5			/* descriptors that the loop always polls */

static void loop(struct supervisor *s)
{
	bool reads = atomic_load(&s->link.state->role) == LINK_SUPERVISOR;
	short events = (short)((reads ? POLLIN : 0) | (send_wants_out(s) ? POLLOUT : 0));
	struct pollfd fds[FIXED_FDS + TERMINALS] = {
		{ events ? s->link.fd : -1, events, 0 },
		{ s->sig_fd, POLLIN, 0 },
		{ s->notify_fd, POLLIN, 0 },
		{ s->timer_fd, POLLIN, 0 },
		{ s->config.listen_fd, POLLIN, 0 },
	};
	uint64_t count;

	terminal_poll(fds + FIXED_FDS);
	if (poll(fds, FIXED_FDS + TERMINALS, send_poll_ms(s)) < 0)
		return;
	if (fds[2].revents && read(s->notify_fd, &count, sizeof(count)) < 0)
		return;			/* EAGAIN cannot occur here: poll()
					 * reported a count */
	if (fds[1].revents)
		take_signal(s);
	thread_watch_all(s);
	reader_role_check(s);
	if (fds[3].revents)
		reader_role_timer(s);
	if (reads && fds[0].revents & ~POLLOUT)
		serve_link(s);
	if (fds[4].revents)
		accept_link(s);
	attach_next(s);
	if (atomic_load(&s->link.state->role) == LINK_SUPERVISOR)
		take_frames(s);
	terminal_step(s, fds + FIXED_FDS);
	reader_role_give(s);
	send_pending(s);
}

noreturn void supervise(const struct supervisor_config *config)
{
	static struct supervisor s;
	int ret = set_up(&s, config);

	if (ret) {
		dprintf(2, "provium agent: %s\n", strerror(-ret));
		exit(1);
	}
	send_pending(&s);
	if (s.link.fd >= 0)
		/*
		 * Forking the executor overlaps with the runner's work on the
		 * ready frame.
		 */
		roster_start_executor(&s);
	for (;;)
		loop(&s);
}
