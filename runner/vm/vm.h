/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine: its QEMU, the lines to it, the calls in flight.
 *
 * Everything that waits is one poll(2) over the link, QMP, QEMU's pidfd and
 * the runner's signals.  When the guest dies, for whatever reason, every call
 * ends at once with vm->death.
 */
#ifndef RUNNER_VM_VM_H
#define RUNNER_VM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/gate/gate.h"
#include "runner/machine/machine.h"
#include "runner/vm/conn.h"
#include "runner/qemu/proc.h"
#include "runner/qemu/qmp.h"
#include "runner/vm/vsock.h"

/*
 * Seconds that an attempt to connect over vsock may take, times the slowness.  Too
 * many is a stall, where one was lost; too few, and those of a busy guest are given up.
 */
#define VM_PATIENCE 0.08

enum vm_state { VM_NEW, VM_BOOTING, VM_RUNNING, VM_OFF, VM_DEAD };

/* One request and what came back.  Made by vm_submit(), freed by call_free(). */
struct vm_call {
	struct vm_call *next;
	uint32_t tag;
	uint32_t channel;
	const struct wire_op_desc *op;
	bool done;
	enum wire_kind kind;		/* WIRE_REPLY or WIRE_FAIL, once done */
	struct buf payload;
	struct buf stream[3];		/* data frames, by stream number 1, 2 */
	size_t stream_limit;		/* bytes in all; more is an error */
	bool live;			/* data goes to our stdout and stderr as it comes */
};

struct vm {
	struct machine machine;
	enum vm_state state;
	struct gate_pass pass;		/* what it has reserved */
	double waited;			/* seconds, for that */
	struct vm_call *wake;		/* it shall be awake then; see vm_look_after() */
	struct vm **registered;		/* the loop's pointer to this spare, or NULL */
	bool rests;			/* QEMU was told to stop, after that */
	struct proc qemu;
	struct qmp qmp;
	struct conn conn;
	struct vsock vsock;		/* the connection's way, if that is not a serial port */
	int console_fd;			/* kept after death; -1 before boot */
	int stderr_fd;			/* what QEMU printed */
	int ram_fd;			/* the guest's memory as a file; -1: QEMU's own */
	bool ram_shared;		/* what the guest writes goes to that file */
	bool ram_named;			/* QEMU's own, under the name a file's has */
	int gdb_fd;			/* of a VM that will be seeded; -1 */
	bool seeded;			/* with this seed */
	uint64_t seed;
	bool ready;			/* the agent's first frame has come */
	char release[80];		/* of the guest's kernel */
	int64_t start_ns;		/* exec of QEMU */
	int64_t ready_ns;		/* hello */
	uint32_t last_tag;
	struct vm_call *calls;		/* in flight */
	struct err death;		/* why state is VM_DEAD */
	bool panicked;			/* by the kernel's own word */
};

void vm_init(struct vm *vm);
/* Loads the profile; the VM is VM_NEW.  0 or -errno with err filled. */
int vm_create(struct vm *vm, const char *profile, struct err *err);
/*
 * Boots and waits for the agent.  opts is taken over, in any case.  On failure
 * nothing runs, the state is VM_DEAD, and err ends with the console's end.
 */
int vm_boot(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
	    struct err *err);
/*
 * Gives up the link of a running VM that is about to be saved; and takes up another
 * one, when it goes on or has been resumed.  With a serial port there is nothing to
 * do.  0 or -errno with err filled (the VM is dead then).
 */
void vm_disconnect(struct vm *vm, int64_t deadline_ns);
int vm_connect(struct vm *vm, int64_t deadline_ns, struct err *err);
/* The state in words: "not booted", "running", … */
const char *vm_state_name(const struct vm *vm);
/* 0 if calls can be made; -ENOTCONN with err saying in what state it is. */
int vm_check_running(const struct vm *vm, struct err *err);

/*
 * Sends a request; kind is WIRE_REQUEST, or WIRE_ASYNC when others may follow
 * before its answer.  NULL with err filled when the VM is not running.
 */
struct vm_call *vm_submit(struct vm *vm, uint32_t channel, enum wire_kind kind,
			  const struct wire_op_desc *op, const void *payload,
			  size_t len, struct err *err);
/* The call of that tag, or NULL. */
struct vm_call *vm_find_call(struct vm *vm, uint32_t tag);
/* Takes what has come, without waiting.  Done, or as good as: the VM is dead. */
bool vm_call_done(struct vm *vm, struct vm_call *call);
/*
 * Until the call is done: 0.  -ETIMEDOUT (the call was ended in the guest; err
 * says where it was stuck), -EINTR, or -ENOTCONN (err is vm->death).  `what`
 * names the call in err.  A fail frame is a result here, not an error.
 */
int vm_wait(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
	    const char *what, struct err *err);
/* Takes it out of the VM's list and frees it; its late frames are dropped. */
void vm_call_free(struct vm *vm, struct vm_call *call);
/* The whole of a call made of structs; rep may be NULL. */
int vm_simple(struct vm *vm, enum wire_op op, const void *req, int64_t deadline_ns,
	      struct err *err);

/*
 * Whenever another VM of this process is waited for, what this one says is heard, too;
 * and once vm->wake is done it is told to stop.  One VM at a time; NULL: none.
 */
void vm_look_after(struct vm *vm);
/* Takes what has come, without waiting.  False: it has ended, or never ran. */
bool vm_lives(struct vm *vm);

/* Asks the guest to end, then makes sure.  Safe in any state. */
void vm_shutdown(struct vm *vm, double timeout);
void vm_kill(struct vm *vm);
void vm_release(struct vm *vm);

#endif
