/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine: its QEMU, the connections to it, the calls in flight.
 *
 * All waiting is one poll(2) over the connection to the agent, QMP, QEMU's
 * pidfd and the runner's signals.  When the guest dies, for whatever reason,
 * every call fails at once with the death report: the reason and the console's
 * end.
 */
#ifndef RUNNER_VM_VM_H
#define RUNNER_VM_VM_H

#include <poll.h>
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

/* --- creating, booting and ending a VM --- */

/*
 * Creates a VM of that profile in state VM_NEW; vm_free() frees it.  NULL with
 * err filled.
 */
struct vm *vm_new(const char *profile, struct err *err);
/*
 * Kills the VM if it runs, and frees it with all its calls.  NULL is allowed.
 */
void vm_free(struct vm *vm);
/*
 * Boots a VM in state VM_NEW and waits for its agent.  Takes opts over, even on
 * failure.  Returns 0; or -errno with err filled.  After a failure QEMU does
 * not run, the state is VM_DEAD, and err ends with the last lines of the
 * console.
 */
int vm_boot(struct vm *vm, struct vm_opts *opts, const struct accel *accel,
	    struct err *err);
/*
 * Reserves memory and processors at the gate, and makes the state VM_BOOTING.
 * Does nothing if they are reserved already.  If `wait` is false and they are
 * not free now: -EBUSY.
 */
int vm_reserve(struct vm *vm, uint64_t memory, unsigned int cpus, bool wait,
	       struct err *err);
/*
 * Asks the guest to power off, and kills it if it has not done so after
 * timeout_s.  Allowed in any state.
 */
void vm_shutdown(struct vm *vm, double timeout_s);
/*
 * Kills QEMU and makes the state VM_OFF, unless it is VM_NEW or VM_DEAD.
 * Allowed in any state.
 */
void vm_kill(struct vm *vm);

#define VM_ALSO_MAX 40
/*
 * Waits until something happens to the VM, or to one of at most VM_ALSO_MAX
 * other descriptors, and handles what has happened to the VM.  0, -ETIMEDOUT or
 * -EINTR; the VM's death is no error here.
 */
int vm_step_also(struct vm *vm, int64_t deadline_ns, struct pollfd *also, size_t nr_also);

/* --- facts about a VM --- */

enum vm_state vm_state(const struct vm *vm);
/* Returns "not booted", "booting", "running", "shut down" or "dead". */
const char *vm_state_name(const struct vm *vm);
/*
 * Returns 0 in VM_RUNNING; otherwise -ENOTCONN, and err says the state or why
 * the VM died.
 */
int vm_check_running(const struct vm *vm, struct err *err);
/*
 * Handles what has arrived, without waiting.  Returns true if the state is
 * VM_RUNNING or VM_BOOTING afterwards.
 */
bool vm_lives(struct vm *vm);
/*
 * Returns the VM's description, valid as long as the VM.  Its opts and accel
 * are empty in VM_NEW.
 */
const struct machine *vm_machine(const struct vm *vm);
/* Returns the factor for time limits on this host, 1 or more. */
double vm_slowness(const struct vm *vm);

/* The seed of a clone's random numbers. */
struct vm_seed {
	uint64_t value;
	int gdb_fd;			/* socket of QEMU's gdb stub; -1: closed */
};

/*
 * Returns the paths of the modules that guests of this process have asked for,
 * each with a line end.  Valid until the next call of a function of a VM.
 */
const char *vm_sent_modules(void);

struct vm_info {
	const char *kernel_release;	/* the guest's kernel release; ""
					 * until it has booted */
	pid_t qemu_pid;			/* 0: none */
	double waited_s;		/* time spent waiting for the gate */
	double boot_s;			/* from QEMU's start until ready; -1: not yet */
	bool panicked;			/* the console shows a panic */
	uint32_t cid;			/* the vsock CID; 0: the transport is serial */
	double connect_s;		/* vsock: from the first attempt to
					 * the connection */
	unsigned int connect_attempts;
	unsigned int connect_timeouts;	/* attempts given up after their time limit */
};

/* Fills in *info.  Its string belongs to the VM. */
void vm_info(const struct vm *vm, struct vm_info *info);
/*
 * Returns the number of bytes that the guest's console has printed.  Allowed in
 * any state, as are the next two functions.
 */
off_t vm_console_size(const struct vm *vm);
/*
 * Appends what the guest's console has printed from byte `from` on.  Returns
 * the offset of the end.
 */
off_t vm_read_console(const struct vm *vm, off_t from, struct buf *to);
/* Appends what QEMU has printed to its stderr. */
void vm_read_stderr(const struct vm *vm, struct buf *to);

/* --- calls: a request and its answer --- */

struct vm_reply {
	enum wire_kind kind;		/* WIRE_REPLY or WIRE_FAIL */
	struct buf payload;
	struct buf stream[3];		/* bytes of data frames; streams are
					 * numbered 1 and 2 */
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
 * Waits until the call is done, and returns 0.  -ETIMEDOUT: the call was
 * aborted in the guest, and err says where it hung; -EINTR; -ENOTCONN: err is
 * the death report.  `label` names the call in err.  A fail frame is a result
 * here, not an error.
 */
int vm_wait(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
	    const char *label, struct err *err);
/*
 * Waits as vm_wait(), decodes the reply into rep and frees the call.  The reply
 * must have neither lists nor bytes.  -EIO with err filled: the agent failed.
 */
int vm_finish(struct vm *vm, struct vm_call *call, void *rep, int64_t deadline_ns,
	      struct err *err);
/* Calls vm_send() and vm_finish(). */
int vm_request(struct vm *vm, enum wire_op op, const void *req, void *rep,
	       int64_t deadline_ns, struct err *err);
/* Frees the call; frames that arrive for it later are dropped. */
void vm_call_free(struct vm *vm, struct vm_call *call);

/*
 * While on, a call in flight gets only a short time once the VM's kernel has
 * reported an oops or worse. Reports from before this call do not count.
 */
void vm_watch_oops(struct vm *vm, bool on);

/* Returns the call with that tag, or NULL. */
struct vm_call *vm_find_call(struct vm *vm, uint32_t tag);
/* Returns the name of the op of a call that has no answer yet, or NULL. */
const char *vm_call_in_flight(const struct vm *vm);
/*
 * Handles what has arrived, without waiting.  Returns true if vm_wait() would
 * not block.
 */
bool vm_call_done(struct vm *vm, struct vm_call *call);
uint32_t vm_call_tag(const struct vm_call *call);
const struct wire_op_desc *vm_call_op(const struct vm_call *call);
/* Returns the answer of a call that is done; valid until vm_call_free(). */
const struct vm_reply *vm_call_reply(const struct vm_call *call);
/*
 * Waits until data frames of the call have arrived, and returns true; false
 * means that vm_wait() would not block.
 */
bool vm_wait_data(struct vm *vm, struct vm_call *call, int64_t deadline_ns);
/* Drops the bytes of the data frames that have arrived. */
void vm_call_drop_data(struct vm_call *call);
/*
 * From now on prints the call's data frames on our stdout and stderr, and keeps
 * none.  A wait for the call ends if printing fails: -EIO, or -EINTR and
 * SIGPIPE is pending (interrupt.h) if the reader of the output has ended.
 */
void vm_call_print_data(struct vm_call *call);

/* --- a spare: a clone that is resumed in advance, not yet used --- */

/*
 * Makes vm the spare of this process, which has at most one.  While the process
 * waits for other VMs, it handles the spare's frames, and it pauses QEMU once
 * `call` is done.
 */
void vm_set_spare(struct vm *vm, struct vm_call *call);
/*
 * Makes vm a normal VM again.  Returns the call given to vm_set_spare(), and in
 * *paused whether QEMU was told to stop (then call vm_cont()).  NULL if vm was
 * never a spare.
 */
struct vm_call *vm_take_spare(struct vm *vm, bool *paused);

#endif
