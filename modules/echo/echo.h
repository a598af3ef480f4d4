/* SPDX-License-Identifier: GPL-2.0-only */
/* The interface of /dev/echo: one ioctl for each shape of argument. */
#ifndef ECHO_H
#define ECHO_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * read() and write(): a read from a descriptor returns what was written to it,
 * in order and once.  It holds ECHO_MAX bytes; a longer write is cut short, a
 * write to a full one returns EAGAIN, a read from an empty one returns end of
 * file.
 *
 * Any ioctl: EFAULT for a bad pointer, ENOTTY for an unknown command.
 */
#define ECHO_MAX 4096

struct echo_value {		/* 8 bytes: "u32 u32" */
	__u32 value;
	__u32 sets;		/* in: 0, else EINVAL. out: how often the value was set */
};

/*
 * 0x4500: no argument.  Returns 69 ('E'), to show that a result comes through.
 */
#define ECHO_NOP	_IO('E', 0x00)

/*
 * 0x80084501: the descriptor's value (0 until one is set) and how often it was
 * set.
 */
#define ECHO_GET	_IOR('E', 0x01, struct echo_value)

/* 0x40084502: sets the descriptor's value. */
#define ECHO_SET	_IOW('E', 0x02, struct echo_value)

/*
 * 0xC0084503: sets the descriptor's value, and returns the previous one as
 * ECHO_GET does.
 */
#define ECHO_SWAP	_IOWR('E', 0x03, struct echo_value)

struct echo_reverse {		/* 24 bytes: "u32 u32 u64 u64" */
	__u32 in_len;
	__u32 out_len;		/* in: room at out. out: bytes written, or needed */
	__u64 in;		/* offset 8 */
	__u64 out;		/* offset 16 */
};

/*
 * 0xC0184504: two pointers in one struct.  Writes the in_len bytes at in to
 * out, last one first.  ERANGE if out is too small (then out_len is the length
 * that is needed, and nothing is written to out), E2BIG if in_len is more than
 * ECHO_MAX.
 */
#define ECHO_REVERSE	_IOWR('E', 0x04, struct echo_reverse)

struct echo_item {		/* 16 bytes: "u32 u32 u64" */
	__u32 len;
	__u32 flags;		/* 0, else EINVAL */
	__u64 data;		/* offset 8 */
};

struct echo_upper {		/* 16 bytes: "u32 u32 u64" */
	__u32 flags;		/* 0, else EINVAL */
	__u32 changed;		/* out: how many letters were changed */
	__u64 item;		/* offset 8: a struct echo_item */
};

/*
 * 0xC0104505: a pointer in a struct that is pointed to.  Turns the ASCII
 * letters at item->data to upper case in place.  E2BIG if item->len is more
 * than ECHO_MAX.
 */
#define ECHO_UPPER	_IOWR('E', 0x05, struct echo_upper)

struct echo_stray {		/* 16 bytes: "u32 u32 u64" */
	__u32 len;		/* length of buf; at most ECHO_MAX, else E2BIG */
	/* Number of bytes outside of buf; at most ECHO_MAX, else E2BIG. */
	__u32 stray;
	__u64 buf;		/* offset 8 */
};

/*
 * Deliberate faults, for testing the guard pages and canaries of buffers.  They
 * write bytes of 0xEE, and return 0, or EFAULT if copy_to_user() hit a guard
 * page.
 *
 * 0x40104506: fills buf and continues for stray bytes past its end.
 * 0x40104507: fills buf, beginning stray bytes before its start.
 * 0x80084508: writes 16 bytes, although the command has a size of 8.
 * 0x80084509: writes 8 bytes as the command says, and also the 8 bytes before
 * them.
 */
#define ECHO_OVERRUN	 _IOW('E', 0x06, struct echo_stray)
#define ECHO_UNDERRUN	 _IOW('E', 0x07, struct echo_stray)
#define ECHO_OVERRUN_ARG  _IOR('E', 0x08, __u64)
#define ECHO_UNDERRUN_ARG _IOR('E', 0x09, __u64)

/*
 * One counter for the whole module, for tests of races.
 *
 * 0x80084510: reads the counter.
 * 0x40084511: sets the counter.
 * 0xC0084512: adds the argument under a lock, and returns the sum.
 * 0xC0084513: the same without a lock: reads the counter, sleeps, writes it.
 */
#define ECHO_COUNT	_IOR('E', 0x10, __u64)
#define ECHO_COUNT_SET	_IOW('E', 0x11, __u64)
#define ECHO_ADD	_IOWR('E', 0x12, __u64)
#define ECHO_ADD_RACY	_IOWR('E', 0x13, __u64)

#define ECHO_SLEEP_MAX 3600000

/*
 * 0x40084514: sleeps for the given milliseconds (at most ECHO_SLEEP_MAX, else
 * EINVAL).  No signal interrupts it, not even SIGKILL, as for a task that is
 * stuck in a driver.
 */
#define ECHO_SLEEP	_IOW('E', 0x14, __u64)

#endif
