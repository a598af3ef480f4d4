/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine: its QEMU, the connections to it, the calls in flight.
 *
 * All waiting is one poll(2) over the connection to the agent, QMP, QEMU's pidfd
 * and the runner's signals.  When the guest dies, for whatever reason, every
 * call fails at once with the death report: the reason and the console's end.
 */
#ifndef RUNNER_VM_VM_H
#define RUNNER_VM_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/wire/wire.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/machine/machine.h"

struct vm;
struct vm_call;

enum vm_state { VM_NEW, VM_BOOTING, VM_RUNNING, VM_OFF, VM_DEAD };

/* --- life --- */

/* A VM_NEW machine of that profile; vm_free() frees it.  NULL with err filled. */
struct vm *vm_new(const char *profile, struct err *err);
/* Kills the VM if it runs, and frees it with all its calls.  NULL is allowed. */
void vm_free(struct vm *vm);
/*
 * Boots a VM_NEW machine and waits for its agent.  Takes opts over, even on
 * failure.  0; or -errno with err filled: QEMU does not run then, the state is
 * VM_DEAD, and err ends with the console's end.
 */
int vm_boot(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
	    struct err *err);
/*
 * Reserves memory and processors at the gate: the VM is VM_BOOTING.  Without
 * `wait`: -EBUSY if they are not free now.  Does nothing if they are reserved.
 */
int vm_reserve(struct vm *vm, uint64_t memory, unsigned int cpus, bool wait,
	       struct err *err);
/* Asks the guest to power off for at most timeout_s, then kills it.  Any state. */
void vm_shutdown(struct vm *vm, double timeout_s);
/* Kills QEMU; the VM is VM_OFF unless it was VM_NEW or VM_DEAD.  Any state. */
void vm_kill(struct vm *vm);

/* --- facts --- */

enum vm_state vm_state(const struct vm *vm);
/* "not booted", "booting", "running", "shut down" or "dead". */
const char *vm_state_name(const struct vm *vm);
/* 0 in VM_RUNNING; -ENOTCONN with err naming the state or why the VM died. */
int vm_check_running(const struct vm *vm, struct err *err);
/* Handles what has arrived, without waiting.  True: VM_RUNNING or VM_BOOTING. */
bool vm_lives(struct vm *vm);
/* The description.  Valid as long as the VM; opts and accel are empty in VM_NEW. */
const struct machine *vm_machine(const struct vm *vm);
/* The factor for time limits on this host, 1 or more. */
double vm_slowness(const struct vm *vm);

/* The seed of a clone's random numbers. */
struct vm_seed {
	uint64_t value;
	int gdb_fd;			/* of QEMU's gdb stub; -1: closed */
};

struct vm_info {
	const char *kernel_release;	/* of the guest; "" until it has booted */
	pid_t qemu_pid;			/* 0: none */
	double waited_s;		/* for the gate */
	double boot_s;			/* from QEMU's start until ready; -1: not yet */
	bool panicked;			/* its console says so */
	uint32_t cid;			/* of vsock; 0: the transport is serial */
	double connect_s;		/* vsock: from the first attempt until connected */
	unsigned int connect_attempts;
};

/* Fills in *info, whose string is the VM's. */
void vm_info(const struct vm *vm, struct vm_info *info);
/* Appends what the guest's console and QEMU's stderr have printed; any state. */
void vm_read_output(const struct vm *vm, struct buf *console, struct buf *qemu);

/* --- calls: a request and its answer --- */

struct vm_reply {
	enum wire_kind kind;		/* WIRE_REPLY or WIRE_FAIL */
	struct buf payload;
	struct buf stream[3];		/* bytes of data frames, by stream number 1, 2 */
};

/*
 * Sends an encoded request.  kind: WIRE_REQUEST, or WIRE_ASYNC when more
 * requests may follow before the answer.  The VM owns the call until
 * vm_call_free().  NULL with err filled when the VM is not running.
 */
struct vm_call *vm_submit(struct vm *vm, uint32_t channel, enum wire_kind kind,
			  const struct wire_op_desc *op, const void *payload,
			  size_t len, struct err *err);
/* Encodes a request and sends it to the supervisor or the VM's executor. */
struct vm_call *vm_send(struct vm *vm, enum wire_op op, const void *req,
			struct err *err);
/*
 * Waits until the call is done: 0.  -ETIMEDOUT: the call was ended in the guest,
 * and err says where it hung; -EINTR; -ENOTCONN: err is the death report.
 * `label` names the call in err.  A fail frame is a result here, not an error.
 */
int vm_wait(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
	    const char *label, struct err *err);
/*
 * Waits as vm_wait(), decodes the reply into rep and frees the call.  The reply
 * must have neither lists nor bytes.  -EIO with err filled: the agent failed.
 */
int vm_finish(struct vm *vm, struct vm_call *call, void *rep, int64_t deadline_ns,
	      struct err *err);
/* vm_send() and vm_finish(). */
int vm_request(struct vm *vm, enum wire_op op, const void *req, void *rep,
	       int64_t deadline_ns, struct err *err);
/* Forgets the call: its late frames are dropped. */
void vm_call_free(struct vm *vm, struct vm_call *call);

/* The call with that tag, or NULL. */
struct vm_call *vm_find_call(struct vm *vm, uint32_t tag);
/* The name of the op of a call that has no answer yet, or NULL. */
const char *vm_call_in_flight(const struct vm *vm);
/* Handles what has arrived, without waiting.  True: vm_wait() would not block. */
bool vm_call_done(struct vm *vm, struct vm_call *call);
uint32_t vm_call_tag(const struct vm_call *call);
const struct wire_op_desc *vm_call_op(const struct vm_call *call);
/* The answer of a call that is done; valid until vm_call_free(). */
const struct vm_reply *vm_call_reply(const struct vm_call *call);
/* From now on data frames are printed on our stdout and stderr, not kept. */
void vm_call_print_data(struct vm_call *call);

/* --- a spare: resumed in advance, not yet used --- */

/*
 * Makes vm this process's spare (one at most): frames from it are handled while
 * other VMs are waited for, and QEMU is paused once `call` is done.
 */
void vm_set_spare(struct vm *vm, struct vm_call *call);
/*
 * Ends that.  The call of vm_set_spare(), and in *paused whether QEMU was told to
 * stop (vm_cont() then); NULL if vm was never a spare.
 */
struct vm_call *vm_take_spare(struct vm *vm, bool *paused);

#endif
