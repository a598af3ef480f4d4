// SPDX-License-Identifier: GPL-2.0-only
/* Terminals of an agent that runs as a process of this machine. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/host/lib/agent_peer.h"
#include "tests/host/lib/tap.h"

/*
 * Hides root's .bashrc from the shell of this machine that the test runs: it
 * could, for example, read the input.  Another user's shell cannot read it.
 */
static void hide_bashrc(void)
{
	if (!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("/dev/null", "/root/.bashrc", NULL, MS_BIND, NULL);
}

static uint32_t open_terminal(struct peer *p, pid_t *shell)
{
	struct wire_terminal_req req = {
		.term = str("dumb"), .prompt = str("> "), .rows = 30, .cols = 100,
	};
	struct wire_terminal_rep rep = { 0 };

	if (!call(p, WIRE_OP_terminal, &req, &rep))
		return 0;
	*shell = rep.pid;
	return rep.id;
}

static bool type(struct peer *p, uint32_t id, const char *text)
{
	struct wire_terminal_input_req req = { id, str(text) };
	struct wire_nothing none;

	return call(p, WIRE_OP_terminal_input, &req, &none);
}

/* Reads until the text was shown (returns true) or the shell has ended. */
static bool shows(struct peer *p, uint32_t id, const char *text,
		  struct wire_terminal_output_rep *rep)
{
	struct buf shown = { 0 };
	bool found = false;

	while (!found && call(p, WIRE_OP_terminal_output, &(struct wire_terminal_id){ id }, rep) &&
	       !rep->ended) {
		buf_add(&shown, rep->data.p, rep->data.len);
		found = strstr(buf_str(&shown), text) != NULL;
	}
	buf_release(&shown);
	return found;
}

static void sessions(struct peer *p)
{
	struct wire_terminal_size_req size = { 0, 40, 120 };
	struct wire_terminal_output_rep rep = { 0 };
	struct wire_nothing none;
	pid_t shell = 0, other;
	uint32_t id = open_terminal(p, &shell), second = open_terminal(p, &other);

	ok(id && second && id != second, "two terminals are open at once");
	ok(type(p, id, "stty size; echo $((6*7))\n") && shows(p, id, "30 100\r\n42\r\n", &rep),
	   "a shell runs on the terminal, which has the size of the request");
	size.id = id;
	ok(call(p, WIRE_OP_terminal_size, &size, &none) && type(p, id, "stty size\n") &&
	   shows(p, id, "40 120\r\n", &rep), "a terminal's size can be changed");
	ok(type(p, id, "echo bye; exit 3\n") && !shows(p, id, "never shown", &rep) &&
	   rep.ended && rep.code == 3, "the last output tells the shell's exit status");
	ok(!type(p, id, "x") && failure(p).reason == WIRE_REASON_BAD,
	   "a terminal whose end was told is no more");
	ok(!kill(other, 0) &&
	   call(p, WIRE_OP_terminal_close, &(struct wire_terminal_id){ second }, &none),
	   "a terminal is closed while its shell runs");
	for (int i = 0; i < 100 && !kill(other, 0); i++)
		call(p, WIRE_OP_ping, &(struct wire_blob){ str("") }, &(struct wire_blob){ 0 });
	ok(kill(other, 0), "closing a terminal ends its shell");
}

static void refusals(struct peer *p)
{
	static char big[5000];
	struct wire_nothing none;
	pid_t shell;
	uint32_t id = open_terminal(p, &shell), opened = 1;

	memset(big, 'x', sizeof(big) - 1);
	ok(!type(p, id, big) && failure(p).reason == WIRE_REASON_BAD,
	   "input of more than 4096 bytes is refused");
	while (open_terminal(p, &shell))
		opened++;
	ok(opened == 16 && failure(p).reason == WIRE_REASON_BAD, "a seventeenth terminal is refused");
	ok(!call(p, WIRE_OP_terminal_close, &(struct wire_terminal_id){ 99999 }, &none),
	   "closing an unknown terminal is refused");
	ok(getpid_by(p) > 0, "the executor takes calls while terminals are open");
}

int main(void)
{
	struct peer *p;
	pid_t shell = 0;
	int status;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	hide_bashrc();
	p = peer_greeted();
	sessions(p);
	refusals(p);
	peer_end(p, &status);
	p = peer_greeted();
	open_terminal(p, &shell);
	peer_end(p, &status);
	for (int i = 0; i < 100 && !kill(shell, 0); i++)
		usleep(20000);
	ok(shell && kill(shell, 0), "the end of the agent ends the shells of its terminals");
	return done();
}
