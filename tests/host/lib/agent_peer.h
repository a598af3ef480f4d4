/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's end of a link to an agent that runs as a process of this machine
 * ($PROVIUM_AGENT, else out/bin/agent), over a socket.
 */
#ifndef TESTS_HOST_LIB_AGENT_PEER_H
#define TESTS_HOST_LIB_AGENT_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/vm/conn.h"

struct peer {
	pid_t pid;			/* the supervisor */
	pid_t relay;			/* process that passes bytes to its
					 * terminal, or 0 */
	int listener;			/* the socket on which it listens, or -1 */
	struct conn conn;
	uint32_t tag;			/* tag of the last request */
	uint32_t executor;		/* the channel to which an executor's ops go */
	/* The frame that was read last. */
	struct wire_header hdr;
	uint8_t payload[1 << 17];
	struct buf data;		/* bytes of the data frames before the answer */
};

/*
 * Starts an agent; the first function only connects, the second also says
 * hello.
 */
struct peer *peer_start(void);
struct peer *peer_greeted(void);
/*
 * Starts an agent whose link is no socket, as a virtio port is none: a
 * pseudo-terminal.
 */
struct peer *peer_on_port(void);
/* Starts an agent that listens.  peer_connect() must be called next. */
struct peer *peer_listening(void);
/* Connects to an agent that listens.  Closes the connection before, if any. */
void peer_connect(struct peer *p);
/* Reads the ready frame and says hello. */
void peer_greet(struct peer *p);
/*
 * Closes the connection and frees p.  Returns false if the agent did not end by
 * itself.
 */
bool peer_end(struct peer *p, int *status);

/*
 * Reads the next frame.  0; -EPIPE at the end of the link; -ETIMEDOUT;
 * -EBADMSG: not a frame, or one that does not fit into p->payload.
 */
int next_frame(struct peer *p);
/* As next_frame(), with another deadline. */
int next_frame_until(struct peer *p, int64_t deadline);
/*
 * Sends n bytes as the payload of a request, which gets the tag p->tag.  The
 * bytes need not be a message of the op.
 */
void send_raw(struct peer *p, uint32_t channel, enum wire_kind kind, unsigned int op,
	      const void *payload, size_t n);
/* Encodes a request and sends it to the channel. */
void send_to(struct peer *p, uint32_t channel, enum wire_kind kind, enum wire_op nr,
	     const void *req);
/* Encodes a request and sends it to the supervisor or to p->executor. */
void send_op(struct peer *p, enum wire_op nr, const void *req);
/*
 * Reads the answer to the last request; collects its data frames.  Errors as
 * next_frame().
 */
int answer(struct peer *p);
/*
 * Sends a request and decodes its reply, which is valid until the next call.
 * Returns false for any other answer.
 */
bool call(struct peer *p, enum wire_op nr, const void *req, void *rep);
/* Returns the last answer if it is a fail message; else all zeros. */
struct wire_fail failure(struct peer *p);

/* Makes a system call without arguments.  Returns its result, or -1. */
int64_t ask(struct peer *p, int64_t nr);
int64_t getpid_by(struct peer *p);

bool text_has(const struct wire_bytes *b, const char *s);
struct wire_bytes str(const char *s);
/*
 * Sends a signal to one process.  Ignores pids that mean several processes,
 * such as the -1 of a failed getpid.
 */
void signal_to(int64_t pid, int sig);
/* Waits until the process has ended and was reaped. */
bool await_end(int64_t pid);
unsigned int count_children(pid_t pid);
/* Waits until the process has at most n children. */
bool await_children(pid_t pid, unsigned int n);

#endif
