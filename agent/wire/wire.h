/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames and their codec, compiled into both the runner and the agent.
 *
 * A frame is a header of 16 bytes, all fields little-endian
 *
 *	u32 len; u32 tag; u32 channel; u16 op; u16 kind;
 *
 * and len bytes of payload; from the runner it is sent with byte stuffing
 * (stuffing.h).  The runner chooses a request's tag; every data,
 * reply and fail frame that answers the request has the same tag.  The kind
 * decides which message the payload is: one of the op's row, data, or fail.
 *
 * The input is not trusted: wire_take() bounds every read, trailing bytes are
 * an error, counts are checked against the number of bytes that are left.
 */
#ifndef AGENT_WIRE_WIRE_H
#define AGENT_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/wire/protocol.h"

#define WIRE_HEADER 16u
#define WIRE_MAX (16u << 20)		/* largest payload, in bytes */
#define WIRE_PIECE (31u << 10)		/* largest piece in a data frame */
#define WIRE_TASKS 64u			/* most tasks in a reply of the op look */
#define WIRE_VSOCK_PORT 5123u
#define WIRE_PORT_NAME "provium.0"	/* name of the virtio-serial port */
/* Begins the line on the console in which PID 1 says why it ends. */
#define WIRE_LAST_WORDS "provium agent: cannot go on: "
#define WIRE_VERSION "0.1"

/* The lowest channels; those with higher numbers are workers. */
enum wire_channel { WIRE_SUPERVISOR = 0, WIRE_EXECUTOR = 1 };

enum wire_kind {
	WIRE_REQUEST = 1,	/* runner to agent */
	WIRE_REPLY,		/* agent to runner: the last frame with this tag */
	WIRE_FAIL,		/* agent to runner: the last frame with this
				 * tag, a fail message */
	WIRE_DATA,		/* agent to runner: more frames follow */
	WIRE_READY,		/* agent to runner: tag 0, a ready message */
	WIRE_ASYNC,		/* runner to agent: a request; the runner sends
				 * other frames before its answer comes */
	WIRE_WANT_MODULES,	/* agent to runner: tag 0, no message: the guest
				 * needs the modules built for its kernel */
	WIRE_LAST_KIND = WIRE_WANT_MODULES
};

enum wire_reason {
#define REASON(num, name, doc) WIRE_REASON_##name = num,
	WIRE_REASONS(REASON)
#undef REASON
};

enum wire_aborted {
	WIRE_ABORTED_NOTHING,	/* the call had ended already */
	WIRE_ABORTED_COMMAND,	/* the command of an exec was killed */
	WIRE_ABORTED_EXECUTOR,	/* the executor was killed */
};

enum wire_op {
#define OP(num, name, by, req, rep, doc) WIRE_OP_##name = num,
	WIRE_OPS(OP)
#undef OP
};

/*
 * Bytes of a message.  A decoded message points into the decoded buffer, a
 * message to encode points to the caller's memory.
 */
struct wire_bytes {
	const void *p;
	uint32_t len;
};

/* items: an array of the list's message struct. */
struct wire_list {
	void *items;
	uint32_t nr;
};

#define T(name, ctype, elem) typedef ctype wire_c_##name;
WIRE_TYPES(T)
#undef T

#define FIELD(S, type, name, doc) wire_c_##type name;
#define MSG(name, doc) \
	struct wire_##name { WIRE_MSG_##name(FIELD, struct wire_##name) };
WIRE_MSGS(MSG)
#undef MSG
#undef FIELD

enum wire_type {
#define T(name, ctype, elem) WIRE_T_##name,
	WIRE_TYPES(T)
#undef T
};

struct wire_field {
	const char *name;
	const char *doc;
	enum wire_type type;
	size_t offset;			/* offset of the field in the message's struct */
};

struct wire_desc {
	const char *name;
	const char *doc;
	size_t size;			/* size of the message's struct */
	size_t nr_fields;
	const struct wire_field *fields;
};

#define MSG(name, doc) extern const struct wire_desc wire_desc_##name;
WIRE_MSGS(MSG)
#undef MSG

struct wire_op_desc {
	enum wire_op op;
	const char *name;
	const char *doc;
	bool supervisor;		/* true: the supervisor answers the op;
					 * false: an executor */
	const struct wire_desc *req;
	const struct wire_desc *rep;
};

extern const struct wire_op_desc wire_ops[];
extern const size_t wire_nr_ops;
/* Every message of the table, by number. */
extern const struct wire_desc *const wire_msgs[];
extern const size_t wire_nr_msgs;

/* Returns the row of an op in the table of protocol.h, or NULL. */
const struct wire_op_desc *wire_op_by_number(unsigned int op);
const struct wire_op_desc *wire_op_by_name(const char *name);

/*
 * Returns a hash of the whole table of ops and messages: a runner and an agent
 * with different tables must not talk.
 */
uint64_t wire_fingerprint(void);

struct wire_header {
	uint32_t len;
	uint32_t tag;
	uint32_t channel;
	uint16_t op;
	uint16_t kind;
};

void wire_put_header(uint8_t raw[static WIRE_HEADER],
		     const struct wire_header *hdr);
/*
 * Decodes a header.  0, or -EBADMSG: a length above WIRE_MAX or an unknown
 * kind.
 */
int wire_get_header(const uint8_t raw[static WIRE_HEADER],
		    struct wire_header *hdr);

/* A read position in memory that the peer has filled. */
struct wire_cursor {
	const uint8_t *p;
	size_t left;
};

/*
 * Takes n bytes, or returns NULL if fewer are left.  This is the decoder's only
 * bounds check.
 */
const void *wire_take(struct wire_cursor *cur, size_t n);
/* Decodes a scalar, sign- or zero-extended.  0 or -EBADMSG. */
int wire_take_int(struct wire_cursor *cur, enum wire_type type, uint64_t *v);
int wire_take_bytes(struct wire_cursor *cur, struct wire_bytes *b);
/*
 * Decodes a list's count, and checks it against the bytes that its elements
 * need at least.
 */
int wire_take_count(struct wire_cursor *cur, const struct wire_desc *elem,
		    uint32_t *nr);
/* Returns the encoded size of a scalar, 4 or 8; 0 for other types. */
size_t wire_int_size(enum wire_type type);
/*
 * Returns the message of which a list of this type consists; NULL if the type
 * is not a list.
 */
const struct wire_desc *wire_elem(enum wire_type type);
void wire_put_int(uint8_t *p, enum wire_type type, uint64_t v);

/* Memory for the items of decoded lists; the caller owns it. */
struct wire_arena {
	uint8_t *base;
	size_t size;
	size_t used;
};

/* Takes n bytes, aligned for any message; returns NULL if fewer are left. */
void *wire_arena_take(struct wire_arena *arena, size_t n);

/*
 * Encodes a message.  Returns the size of its payload in bytes; writes it to
 * buf if it is at most cap.  Never fails: the caller refuses sizes above
 * WIRE_MAX.
 */
size_t wire_encode(const struct wire_desc *desc, const void *msg,
		   void *buf, size_t cap);
/*
 * Decodes a payload into msg; its bytes fields point into buf, its lists into
 * the arena.  0; -EBADMSG: buf is not such a message; -ENOMEM: the arena is too
 * small.
 */
int wire_decode(const struct wire_desc *desc, void *msg, const void *buf,
		size_t len, struct wire_arena *arena);

/* Returns the message that a frame of this op and kind carries, or NULL. */
const struct wire_desc *wire_payload(const struct wire_header *hdr);
/* Prints one line for a trace: op, kind, channel, tag and fields. */
void wire_print(FILE *to, const char *prefix, const struct wire_header *hdr,
		const void *payload);
/* Prints the protocol manual, as Markdown. */
void wire_manual(FILE *to);

#endif
