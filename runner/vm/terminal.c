// SPDX-License-Identifier: GPL-2.0-only
/* A terminal of the host connected to a shell in the guest; see terminal.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "runner/base/tty.h"
#include "runner/vm/internal.h"
#include "runner/vm/terminal.h"

#define OUTPUT_BYTES (32u << 10)
#define INPUT_BYTES 4096u
#define START_S 10.0			/* time limit for starting a shell; scaled */
#define CLOSE_S 2.0

struct terminal {
	struct vm *vm;
	uint32_t id;			/* number of the terminal in the guest;
					 * 0: it has ended there */
	int tty_fd, size_fd;
	struct vm_call *start;		/* the request for the shell, or NULL */
	int64_t start_end_ns;		/* its deadline */
	struct vm_call *output;		/* requests in flight, or NULL */
	struct vm_call *input;
	struct vm_call *size;
	bool size_changed;		/* the guest does not know the size yet */
	bool escaped;			/* the last key was TERMINAL_ESCAPE */
	bool left, gone;
	struct buf out;			/* output that the terminal has not taken */
	size_t in_len;			/* bytes in `in` that were not sent */
	uint8_t in[INPUT_BYTES];
	int code;
};

static struct vm_call *submit(struct terminal *t, enum wire_op nr, const void *req,
			      struct err *err)
{
	const struct wire_op_desc *op = wire_op_by_number(nr);
	uint8_t raw[INPUT_BYTES + 256];
	size_t n = wire_encode(op->req, req, raw, sizeof(raw));

	return vm_submit(t->vm, WIRE_SUPERVISOR, WIRE_REQUEST, op, raw, n, err);
}

static struct wire_bytes bytes_of(const char *text)
{
	return (struct wire_bytes){ text, (uint32_t)strlen(text) };
}

struct terminal *terminal_new(struct vm *vm, const struct terminal_opts *opts,
			      struct err *err)
{
	struct wire_terminal_req req = {
		.term = bytes_of(opts->term), .lang = bytes_of(opts->lang),
		.prompt = bytes_of(opts->prompt),
	};
	struct vm_call *start;
	struct terminal *t;

	tty_size(opts->tty_fd, &req.rows, &req.cols);
	start = vm_send(vm, WIRE_OP_terminal, &req, err);
	if (!start)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->vm = vm;
	t->start = start;
	t->start_end_ns = deadline_in(START_S * vm_slowness(vm));
	t->tty_fd = opts->tty_fd;
	t->size_fd = opts->size_fd;
	return t;
}

static void drop_call(struct terminal *t, struct vm_call **call)
{
	if (*call)
		vm_call_free(t->vm, *call);
	*call = NULL;
}

/* Takes the answer to the request for the shell.  -EIO with err filled. */
static int take_start(struct terminal *t, struct err *err)
{
	struct vm_call *start = t->start;
	struct wire_terminal_rep rep;
	int ret;

	t->start = NULL;
	ret = vm_finish(t->vm, start, &rep, 0, err);
	t->id = ret ? 0 : rep.id;
	return ret ? -EIO : 0;
}

/*
 * Hangs up.  The calls have their own deadline, whose end does not end the
 * guest, as it does for vm_request().
 */
static void close_in_guest(struct terminal *t)
{
	int64_t deadline_ns = deadline_in(CLOSE_S * vm_slowness(t->vm));
	struct vm_call *end;
	struct err ignored;

	if (t->start && !vm_wait_call(t->vm, t->start, deadline_ns, &ignored))
		take_start(t, &ignored);
	if (!t->id)
		return;
	end = vm_send(t->vm, WIRE_OP_terminal_close, &(struct wire_terminal_id){ t->id },
		      &ignored);
	if (!end)
		return;
	vm_wait_call(t->vm, end, deadline_ns, &ignored);
	vm_call_free(t->vm, end);
}

void terminal_free(struct terminal *t)
{
	if (!t)
		return;
	if (t->vm->state == VM_RUNNING && t->vm->link.conn.fd >= 0)
		close_in_guest(t);
	drop_call(t, &t->start);
	drop_call(t, &t->output);
	drop_call(t, &t->input);
	drop_call(t, &t->size);
	buf_release(&t->out);
	free(t);
}

/* --- from the terminal to the guest --- */

bool terminal_leaves(bool *escaped, uint8_t key)
{
	bool leaves = *escaped && key == 'q';

	*escaped = !*escaped && key == TERMINAL_ESCAPE;
	return leaves;
}

/*
 * Takes the keys that are not for the guest out of the n bytes, in place.
 * Returns how many are left.
 */
static size_t take_escapes(struct terminal *t, const uint8_t *from, size_t n, uint8_t *to)
{
	size_t len = 0;

	for (size_t i = 0; i < n && !t->left; i++) {
		bool was_escaped = t->escaped;

		t->left = terminal_leaves(&t->escaped, from[i]);
		if (t->escaped)
			continue;
		if (was_escaped && from[i] != TERMINAL_ESCAPE)
			to[len++] = TERMINAL_ESCAPE;
		to[len++] = from[i];
	}
	return len;
}

static void read_keys(struct terminal *t)
{
	/* A key after Ctrl-] can become two. */
	uint8_t keys[INPUT_BYTES / 2];
	ssize_t n = read(t->tty_fd, keys, sizeof(keys));

	if (n > 0)
		t->in_len = take_escapes(t, keys, (size_t)n, t->in);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		t->gone = true;
}

static void read_size_change(struct terminal *t)
{
	char ignored[128];
	ssize_t n = read(t->size_fd, ignored, sizeof(ignored));

	if (n > 0)
		t->size_changed = true;
	else if (!n)
		t->gone = true;
}

static void send_size(struct terminal *t, struct err *err)
{
	struct wire_terminal_size_req req = { .id = t->id };

	tty_size(t->tty_fd, &req.rows, &req.cols);
	t->size = submit(t, WIRE_OP_terminal_size, &req, err);
	t->size_changed = false;
}

static void send_keys(struct terminal *t, struct err *err)
{
	struct wire_terminal_input_req req = {
		.id = t->id, .data = { t->in, (uint32_t)t->in_len },
	};

	t->input = submit(t, WIRE_OP_terminal_input, &req, err);
	t->in_len = 0;
}

/* --- from the guest to the terminal --- */

static void write_output(struct terminal *t)
{
	ssize_t n;

	while (t->out.len) {
		n = write(t->tty_fd, t->out.p, t->out.len);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			t->gone = true;
		if (n <= 0)
			return;
		buf_drop(&t->out, (size_t)n);
	}
}

/* Takes the answer to the request for output.  -EIO with err filled. */
static int take_output(struct terminal *t, struct err *err)
{
	const struct vm_reply *reply = &t->output->reply;
	struct wire_terminal_output_rep rep;
	struct wire_arena none = { 0 };

	if (reply->kind != WIRE_REPLY ||
	    wire_decode(&wire_desc_terminal_output_rep, &rep, reply->payload.p,
			reply->payload.len, &none))
		return err_set(err, ERR_BROKEN, -EIO, "the agent failed to read the terminal");
	buf_add(&t->out, rep.data.p, rep.data.len);
	if (rep.ended) {
		t->id = 0;
		t->code = rep.code;
	}
	drop_call(t, &t->output);
	return 0;
}

static int ask_for_output(struct terminal *t, struct err *err)
{
	if (!t->id || t->output || t->out.len >= OUTPUT_BYTES)
		return 0;
	t->output = submit(t, WIRE_OP_terminal_output,
			   &(struct wire_terminal_id){ t->id }, err);
	return t->output ? 0 : -ENOTCONN;
}

/* --- moving bytes in both directions --- */

struct pollfd terminal_poll_vm(const struct terminal *t)
{
	const struct conn *link = &t->vm->link.conn;

	short events = POLLIN;

	if (conn_wants_out(link))
		events |= POLLOUT;
	return (struct pollfd){ link->fd, events, 0 };
}

void terminal_poll(const struct terminal *t, struct pollfd fds[TERMINAL_FDS])
{
	int events = (t->id && !t->input && !t->in_len ? POLLIN : 0) |
		(t->out.len ? POLLOUT : 0);

	fds[0] = (struct pollfd){ t->tty_fd, (short)events, 0 };
	fds[1] = (struct pollfd){ t->size_fd, POLLIN, 0 };
}

static int move(struct terminal *t, const struct pollfd fds[TERMINAL_FDS], struct err *err)
{
	if (t->start && t->start->done && take_start(t, err))
		return -EIO;
	if (t->start && clock_ns() > t->start_end_ns)
		return err_set(err, ERR_GUEST, -EIO, "the guest does not answer: it starts no shell");
	if (fds[1].revents)
		read_size_change(t);
	if (fds[0].revents & ~(POLLIN | POLLOUT))
		t->gone = true;
	else if (fds[0].revents & POLLIN)
		read_keys(t);
	if (t->size && t->size->done)
		drop_call(t, &t->size);
	if (t->input && t->input->done)
		drop_call(t, &t->input);
	if (t->output && t->output->done && take_output(t, err))
		return -EIO;
	if (t->id && t->size_changed && !t->size)
		send_size(t, err);
	if (t->id && t->in_len && !t->input)
		send_keys(t, err);
	/* Writing makes room for more output. */
	write_output(t);
	return ask_for_output(t, err);
}

enum terminal_state terminal_step(struct terminal *t,
				  const struct pollfd fds[TERMINAL_FDS], int *code,
				  struct err *err)
{
	if (vm_check_running(t->vm, err) || move(t, fds, err))
		return TERMINAL_DEAD;
	*code = t->code;
	if (t->left)
		return TERMINAL_LEFT;
	if (t->gone)
		return TERMINAL_GONE;
	return t->start || t->id || t->out.len ? TERMINAL_RUNS : TERMINAL_ENDED;
}

enum terminal_state terminal_run(struct terminal *t, int *code, struct err *err)
{
	struct pollfd fds[TERMINAL_FDS] = { { -1, 0, 0 }, { -1, 0, 0 } };
	enum terminal_state state;

	while ((state = terminal_step(t, fds, code, err)) == TERMINAL_RUNS) {
		terminal_poll(t, fds);
		if (vm_step_also(t->vm, t->start ? t->start_end_ns : DEADLINE_NEVER, fds,
				 TERMINAL_FDS) == -EINTR) {
			err_set(err, ERR_INTERRUPTED, 0, "interrupted");
			return TERMINAL_DEAD;
		}
	}
	return state;
}
