/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of a VM, only for the files of runner/vm/.  The files have an
 * order, and each uses only files before it: conn, vsock, recording, state,
 * call, modules, loop, oops, look, wait, feed, debugger, kept, terminal,
 * launch, boot, migration, replay.
 */
#ifndef RUNNER_VM_INTERNAL_H
#define RUNNER_VM_INTERNAL_H

#include <poll.h>

#include "runner/base/hash.h"
#include "runner/gate/gate.h"
#include "runner/qemu/proc.h"
#include "runner/qemu/qmp.h"
#include "runner/vm/conn.h"
#include "runner/vm/visitors.h"
#include "runner/vm/vm.h"
#include "runner/vm/vsock.h"

/*
 * Seconds allowed for an action that a responsive guest or QEMU does at once.
 */
#define GRACE_S 2.0
/*
 * Seconds that an attempt to connect over vsock may take; multiplied by
 * vm_slowness().  A longer limit delays the start when an attempt is lost, a
 * shorter one gives up attempts that a busy guest would have answered.
 */
#define VSOCK_ATTEMPT_S 0.08

/* The reason for the end of a guest that does not answer. */
#define VM_HANGS "the guest hangs: its agent does not answer any more"

struct vm_call {
	struct vm_call *next;
	uint32_t tag;
	uint32_t channel;
	const struct wire_op_desc *op;
	bool done;			/* reply is complete */
	bool print_data;
	int print_error;		/* the errno of printing; 0: none */
	int64_t sent_ns;		/* when the request was sent */
	double blocked_s;		/* limit if it is blocked, see look.h; 0: none */
	bool blocked;			/* it has reached that limit */
	size_t stream_limit;		/* limit for both streams, in bytes;
					 * more is an error */
	struct vm_reply reply;
};

/* What the console said about an oops; see oops.c. */
struct oops {
	struct complaint_parser *parser;	/* NULL: nothing was read yet */
	off_t read;			/* bytes of the console that the parser got */
	bool watching;
	size_t dismissed;		/* such reports that are not the kernel's */
	int64_t since_ns;		/* when an oops was noticed; 0: none */
};

/* What is known of the call that is waited for; see look.c. */
struct look {
	struct vm_call *call;		/* NULL: no call is waited for */
	struct vm_call *request;	/* the op look in flight, or NULL */
	int64_t next_ns;		/* when to send the next one */
	bool told;			/* the state of the call was told */
	uint64_t still_ns;		/* no task has run since, by the guest's
					 * clock; 0: not known to be so */
	uint64_t busy_ns, print;	/* of that time; see look.c */
	char state[192];		/* what the call does; "": unknown */
};

struct vm {
	struct machine machine;
	enum vm_state state;
	char kernel_release[80];

	struct {
		struct gate_pass pass;
		double waited_s;
	} gate;
	struct {
		struct proc proc;
		struct qmp qmp;
		int64_t start_ns;	/* when QEMU's process was started */
	} qemu;
	struct {
		struct conn conn;
		struct vsock vsock;	/* vsock.cid 0: the transport is serial */
		bool ready;		/* the agent's first frame has arrived */
		bool wants_modules;	/* the guest has asked for modules */
		int64_t ready_ns;
	} link;
	struct {
		struct vm_call *list;
		uint32_t last_tag;
	} calls;
	/* Memory files with QEMU's output; kept after the VM's death. */
	struct {
		int console_fd;		/* -1: not booted yet */
		int stderr_fd;
	} output;
	struct {
		int fd;			/* the guest's memory; -1: QEMU's own */
		bool shared;		/* the guest writes into the file */
		bool named;		/* QEMU's own memory, but named as if
					 * it were a file */
	} ram;
	struct {
		bool set;
		struct vm_seed seed;
	} random;
	struct {
		struct err err;		/* why the state is VM_DEAD */
		bool panicked;
		bool hung;		/* the runner made the guest panic,
					 * because it did not answer */
	} death;
	struct oops oops;
	struct look look;
	/* The state of a recorded VM; see recording.h. */
	struct {
		enum rr rr;
		int log_fd;		/* -1: none */
		unsigned int shift;	/* see struct qemu_config */
		char kernel[HASH_HEX], initrd[HASH_HEX];
		bool ended;		/* QEMU ended as told: the log is whole */
		uint64_t end;		/* how many instructions the guest had
					 * executed at its end */
		char call[128];		/* name of the test's last call; "" if none */
		uint64_t call_at;	/* how many instructions the guest had
					 * executed before that call */
		off_t log_limit;	/* see vm_log_overflows() */
	} recording;
	/* A debugger on the VM; see debugger.h. */
	struct {
		bool on;		/* QEMU's gdb stub serves a debugger */
		bool keeps_corpse;
		unsigned int nr_stubs;	/* number of gdb stubs that were ever started */
	} debug;
	bool kept;			/* see kept.h */
	struct {
		struct vm **slot;	/* the loop's pointer to this VM, or NULL */
		struct vm_call *call;
		bool paused;		/* QEMU was told to stop */
	} spare;
};

/* --- functions of recording.c --- */

/*
 * Sends QEMU a command and waits for the answer, or QEMU's end.  A signal to
 * this process does not end the wait: a recording's log must become whole after
 * Ctrl-C, too.  Takes the arguments over, NULL for none.  0 or -errno with err
 * filled.
 */
int vm_command(struct vm *vm, const char *name, json_t *arguments, int64_t deadline_ns,
	       struct err *err);
/*
 * Has the log of a recorded VM reached its limit?  Each PAUSE instruction of a
 * loop that waits is an event of the log, and a guest that hangs in such a loop
 * writes a log of which the replay takes minutes.
 */
bool vm_log_overflows(const struct vm *vm);
/* Sets the limit to `more` bytes from now. */
void vm_limit_log(struct vm *vm, off_t more);
/* Ends the QEMU of a recorded VM so that its log is whole. */
void vm_end_recording(struct vm *vm);

/* --- functions of state.c --- */

/* The visitors of all VMs of this process, or NULL. */
extern const struct vm_visitors *vm_visitors;
/* Ends QEMU, closes all connections to it, gives back the reservation. */
void vm_end_qemu(struct vm *vm);
/* Marks the VM dead for `reason`, to which the end of the console is added. */
void vm_die(struct vm *vm, enum err_kind kind, const char *reason);
/* QEMU's process has ended: the VM is dead, and the exit status says why. */
void vm_qemu_ended(struct vm *vm);
/* QEMU has stopped the guest without being told to: the VM is dead. */
void vm_qemu_stopped(struct vm *vm);

/* --- functions of call.c --- */

/*
 * Gives all complete frames that have arrived to their calls.  0; -EBADMSG or
 * -EPROTO with err filled: the agent violates the protocol.
 */
int vm_take_frames(struct vm *vm, struct err *err);
/* Ends all calls in flight with a fail frame whose text is `reason`. */
void vm_fail_calls(struct vm *vm, const char *reason);

/* --- functions of modules.c --- */

/* Sends the profile's modules to the agent, without waiting. */
void vm_send_modules(struct vm *vm);

/* --- functions of loop.c --- */

/*
 * Waits until something happens to the VM and handles it.  0, -ETIMEDOUT or
 * -EINTR; the VM's death is no error here.
 */
int vm_step(struct vm *vm, int64_t deadline_ns);

/* --- functions of oops.c --- */

/*
 * Returns the deadline of a call that was started at start_ns, which is sooner
 * than deadline_ns if the kernel has reported an oops.
 */
int64_t vm_oops_limit(struct vm *vm, int64_t start_ns, int64_t deadline_ns);
/* As vm_step(), and looks for an oops on the console from time to time. */
int vm_oops_step(struct vm *vm, int64_t deadline_ns);

/* --- functions of look.c --- */

/*
 * As vm_oops_step(), and asks the guest from time to time what the call waits
 * for.  Sets call->blocked.
 */
int vm_look_step(struct vm *vm, struct vm_call *call, int64_t deadline_ns);
/* The call is no longer waited for. */
void vm_look_end(struct vm *vm);

/* --- functions of wait.c --- */

/* As vm_wait(), but -ETIMEDOUT leaves the call in flight and err unset. */
int vm_wait_call(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
		 struct err *err);

/* --- functions of launch.c --- */

/*
 * Starts QEMU for vm->machine, ram and random; sets output (unless it is set
 * already), qemu and link.  incoming: QEMU waits for a state instead of
 * booting; with gdb it also has a gdb stub, at vm->random.seed.gdb_fd.  0, or
 * -errno with err filled; vm_end_qemu() closes what was opened by then.
 */
enum launch { LAUNCH_BOOT, LAUNCH_INCOMING, LAUNCH_INCOMING_GDB };
int vm_launch(struct vm *vm, enum launch how, struct err *err);

/* --- functions of boot.c --- */

/*
 * Waits for the agent and greets it; the state is VM_RUNNING then, and VM_DEAD
 * on failure.
 */
int vm_await_agent(struct vm *vm, int64_t deadline_ns, struct err *err);

#endif
