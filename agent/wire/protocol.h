/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol between runner and agent, as one table.
 *
 * These rows make the enum of ops, the structs, the descriptors that the codec
 * walks, the agent's dispatch, the trace printer, the fuzzer in
 * tests/host/codec.c, the fingerprint in hello and the protocol manual
 * (provium protocol).  A new op needs a row in WIRE_OPS, rows for its messages,
 * one do_NAME() in agent/ops and one test.
 */
#ifndef AGENT_WIRE_PROTOCOL_H
#define AGENT_WIRE_PROTOCOL_H

/*
 * Field types.  Integers are little-endian.  bytes is a u32 length and that
 * many bytes; a _list is a u32 count and that many messages.
 */
#define WIRE_TYPES(T)							\
	T(u32, uint32_t, NULL)						\
	T(s32, int32_t, NULL)						\
	T(u64, uint64_t, NULL)						\
	T(s64, int64_t, NULL)						\
	T(bytes, struct wire_bytes, NULL)				\
	T(seg_list, struct wire_list, &wire_desc_seg)			\
	T(out_list, struct wire_list, &wire_desc_out)			\
	T(str_list, struct wire_list, &wire_desc_str)			\
	T(item_list, struct wire_list, &wire_desc_item)			\
	T(task_list, struct wire_list, &wire_desc_task)			\
	T(result_list, struct wire_list, &wire_desc_result)

/* MSG(name, doc); the fields of message NAME are WIRE_MSG_NAME(F, S). */
#define WIRE_MSGS(MSG)							\
	MSG(nothing, "no fields")					\
	MSG(str, "a string in a list")					\
	MSG(seg, "a buffer of a system call, and where its address is written") \
	MSG(out, "a buffer's content after the call")			\
	MSG(blob, "uninterpreted bytes")				\
	MSG(fail, "an op could not be carried out")			\
	MSG(data, "a piece of a stream that belongs to the request")	\
	MSG(ready, "the agent's first frame on a link")			\
	MSG(hello, "the runner's first frame on a link")		\
	MSG(abort_req, "the executor whose call to end")				\
	MSG(abort_rep, "what was killed, and where the call was stuck")	\
	MSG(task, "a task that a call, or a job, waits for")			\
	MSG(look_rep, "what the guest does")				\
	MSG(syscall_req, "a system call")				\
	MSG(syscall_rep, "its raw result")				\
	MSG(exec_req, "a shell command, or a program")		\
	MSG(exec_rep, "how the command ended")					\
	MSG(path_req, "a file to read")					\
	MSG(read_rep, "the end of the file's data frames")					\
	MSG(write_req, "a piece of a file to write")			\
	MSG(kmsg_req, "the part of the kernel log to read")			\
	MSG(kmsg_rep, "the end of the log's data frames")				\
	MSG(channel_req, "one executor")					\
	MSG(spawn_req, "the kind of worker to make")				\
	MSG(spawn_rep, "the new worker")					\
	MSG(item, "one call of a batch")				\
	MSG(result, "the result of one call of a batch")					\
	MSG(batch_req, "calls to make one after another")		\
	MSG(batch_rep, "the results of a batch")				\
	MSG(job_req, "a shell command that runs on its own")		\
	MSG(job_rep, "the new job")					\
	MSG(job_wait_req, "the job to wait for, and how long")			\
	MSG(job_wait_rep, "the job's state; its output came in data frames")		\
	MSG(quiesce_req, "what to prepare before a save")		\
	MSG(quiesce_rep, "addresses of the kernel's random number generator; 0: unknown") \
	MSG(resume_req, "the time, and random bytes, for a resumed guest") \
	MSG(terminal_req, "a terminal to open, with a shell in it")	\
	MSG(terminal_rep, "the new terminal")				\
	MSG(terminal_id, "one terminal")				\
	MSG(terminal_input_req, "what was typed")			\
	MSG(terminal_output_rep, "what the terminal shows, or the shell's end") \
	MSG(terminal_size_req, "the size of the terminal's window")

#define WIRE_MSG_nothing(F, S)

#define WIRE_MSG_str(F, S)						\
	F(S, bytes, value, "its bytes, no terminator")

#define WIRE_MSG_seg(F, S)						\
	F(S, s32, arg, "argument 0-5 that becomes its address, or -1")	\
	F(S, s32, parent, "earlier buffer that holds its address, or -1") \
	F(S, u32, offset, "of the address in the parent, in bytes")		\
	F(S, u32, len, "its length in bytes; the rest after data is zero")	\
	F(S, u32, out, "1: send it back after the call")		\
	F(S, bytes, data, "its content before the call")

#define WIRE_MSG_out(F, S)						\
	F(S, u32, seg, "index of the buffer in the request")		\
	F(S, u32, under, "bytes before its start that were overwritten") \
	F(S, bytes, data, "its content, at full length, if the request has out")

#define WIRE_MSG_blob(F, S)						\
	F(S, bytes, data, "any bytes")

#define WIRE_MSG_fail(F, S)						\
	F(S, u32, reason, "number of a reason, see below")			\
	F(S, s32, err, "errno, or 0")					\
	F(S, bytes, text, "a message for a person")

#define WIRE_MSG_data(F, S)						\
	F(S, u32, stream, "1: stdout, file or log; 2: stderr")		\
	F(S, bytes, data, "at most WIRE_PIECE")

#define WIRE_MSG_ready(F, S)						\
	F(S, u64, fingerprint, "wire_fingerprint() of the agent")	\
	F(S, bytes, version, "of the agent")				\
	F(S, bytes, release, "of the guest's kernel, as uname -r")

#define WIRE_MSG_hello(F, S)						\
	F(S, u64, fingerprint, "wire_fingerprint() of the runner")	\
	F(S, bytes, version, "of the runner")				\
	F(S, u64, time_ns, "CLOCK_REALTIME of the host; 0: keep the guest's")

#define WIRE_MSG_abort_req(F, S)					\
	F(S, u32, channel, "the executor's channel; 0: all of them")	\
	F(S, u32, abandon, "1: the executor did not end: give it up")

#define WIRE_MSG_abort_rep(F, S)					\
	F(S, u32, aborted, "enum wire_aborted")				\
	F(S, bytes, report, "state, kernel stack and system call of the task")

#define WIRE_MSG_task(F, S)						\
	F(S, u32, channel, "of the call; 0: a job's")			\
	F(S, s32, pid, "its thread id")					\
	F(S, bytes, name, "of its program; empty: the executor itself")	\
	F(S, u32, state, "the letter of its state, as in proc(5)")	\
	F(S, s64, nr, "the system call that it is in; -1: none, or it runs") \
	F(S, u32, timed, "1: that call probably ends by itself after some time")	\
	F(S, bytes, place, "the kernel's function in which it sleeps; or empty") \
	F(S, u64, runs, "how often it has left a processor")

#define WIRE_MSG_look_rep(F, S)						\
	F(S, u64, time_ns, "of the guest's monotonic clock")			\
	F(S, u64, busy_ns, "time in which its processors worked or waited for a disk, added up; 0: unknown") \
	F(S, u32, more, "1: there are more tasks")			\
	F(S, task_list, tasks, "in the order of their pids, for each call")

#define WIRE_MSG_syscall_req(F, S)					\
	F(S, s64, nr, "x86-64 system call number")			\
	F(S, u64, a0, "")						\
	F(S, u64, a1, "")						\
	F(S, u64, a2, "")						\
	F(S, u64, a3, "")						\
	F(S, u64, a4, "")						\
	F(S, u64, a5, "")						\
	F(S, seg_list, segs, "buffers; parents before their children")

#define WIRE_MSG_syscall_rep(F, S)					\
	F(S, s64, ret, "rax after the call: a result or -errno")		\
	F(S, out_list, outs, "in the order of the request's buffers")

#define WIRE_MSG_exec_req(F, S)						\
	F(S, bytes, cmd, "for the shell, if args is empty")		\
	F(S, str_list, args, "a program and its arguments, to run without a shell") \
	F(S, u32, tty, "1: the program gets a terminal, and its output is stream 1") \
	F(S, bytes, cwd, "working directory; empty: the executor's")			\
	F(S, str_list, env, "NAME=value, added to the default environment") \
	F(S, bytes, input, "its standard input")			\
	F(S, u32, input_fd, "instead: a descriptor of the executor, which is closed; 0: none") \
	F(S, u32, limit, "bytes of a stream after which the command is killed")

#define WIRE_MSG_exec_rep(F, S)						\
	F(S, s32, code, "exit status, or 128+signal")			\
	F(S, s32, signal, "signal that killed it, or 0")			\
	F(S, u32, overflow, "the stream (1 or 2) that passed the limit, or 0")

#define WIRE_MSG_path_req(F, S)						\
	F(S, bytes, path, "")

#define WIRE_MSG_read_rep(F, S)						\
	F(S, u64, size, "bytes sent")

#define WIRE_MSG_write_req(F, S)					\
	F(S, bytes, path, "")						\
	F(S, u64, offset, "in the file; 0 creates and truncates it")			\
	F(S, bytes, data, "")

#define WIRE_MSG_kmsg_req(F, S)						\
	F(S, u64, from, "first sequence number to send; 0: all records")

#define WIRE_MSG_kmsg_rep(F, S)						\
	F(S, u64, next, "sequence number of the next record to come")		\
	F(S, u64, taint, "flags of the tainted kernel, before the log was read")	\
	F(S, u64, warnings, "WARNINGs and oopses counted; 0: it does not count")

#define WIRE_MSG_channel_req(F, S)						\
	F(S, u32, channel, "the executor's channel")

#define WIRE_MSG_spawn_req(F, S)					\
	F(S, u32, thread, "1: a thread of the executor, 0: a process")

#define WIRE_MSG_spawn_rep(F, S)					\
	F(S, u32, channel, "its channel")					\
	F(S, s32, pid, "of its process")				\
	F(S, s32, tid, "of its thread; the same for a process")

#define WIRE_MSG_item(F, S)						\
	F(S, u32, op, "an executor's op that sends no data frames")	\
	F(S, bytes, payload, "its request, encoded")

#define WIRE_MSG_result(F, S)						\
	F(S, u32, kind, "enum wire_kind: reply or fail")		\
	F(S, bytes, payload, "that message, encoded")

#define WIRE_MSG_batch_req(F, S)					\
	F(S, u32, rounds, "how many times to make all of them")			\
	F(S, u32, race, "0, or a number that the two sides of one race share") \
	F(S, u32, holder, "channel of the race's first side")		\
	F(S, u32, side, "0 or 1")					\
	F(S, item_list, calls, "in a race, each call starts together with the other side's")

#define WIRE_MSG_batch_rep(F, S)					\
	F(S, result_list, results, "round after round")

#define WIRE_MSG_job_req(F, S)						\
	F(S, bytes, cmd, "for /bin/sh -c")				\
	F(S, bytes, cwd, "working directory; empty: the executor's")			\
	F(S, str_list, env, "NAME=value, added to the default environment")

#define WIRE_MSG_job_rep(F, S)						\
	F(S, u32, id, "its number")					\
	F(S, s32, pid, "of its shell, and of its process group")

#define WIRE_MSG_job_wait_req(F, S)					\
	F(S, u32, id, "the job's number")				\
	F(S, u32, ms, "milliseconds to wait for its end")			\
	F(S, u32, kill, "1: kill its process group first")

#define WIRE_MSG_job_wait_rep(F, S)					\
	F(S, u32, running, "1: the job has not ended")			\
	F(S, s32, code, "exit status, or 128+signal")			\
	F(S, s32, signal, "signal that killed it, or 0")			\
	F(S, u64, dropped1, "bytes at the beginning of stdout that were not kept") \
	F(S, u64, dropped2, "the same of stderr")

#define WIRE_MSG_quiesce_req(F, S)					\
	F(S, u32, symbols, "1: find the addresses in the reply")			\
	F(S, bytes, mark, "a line for the kernel log")

#define WIRE_MSG_quiesce_rep(F, S)					\
	F(S, u64, base, "of base_crng, whose first 32 bytes are its key")	\
	F(S, u64, each, "of crngs, the key of each processor (an offset)") \
	F(S, u64, offsets, "of __per_cpu_offset")			\
	F(S, u64, reseed, "of crng_reseed")				\
	F(S, u64, log, "sequence number of the mark in the kernel log")	\
	F(S, u64, taint, "flags of the tainted kernel, after the mark")	\
	F(S, u64, warnings, "WARNINGs and oopses counted, after the mark")	\
	F(S, u32, executor_can_set_clock, "1: the executor can carry out executor_resume")

#define WIRE_MSG_resume_req(F, S)					\
	F(S, u64, time_ns, "of the host's real-time clock")		\
	F(S, bytes, entropy, "for the random number generator; empty: leave it as it is")

#define WIRE_MSG_terminal_req(F, S)					\
	F(S, bytes, term, "the shell's variable TERM; empty: linux")	\
	F(S, bytes, lang, "the shell's variable LANG; empty: unset")	\
	F(S, bytes, prompt, "the shell's variable PS1; empty: unset")	\
	F(S, u32, rows, "height of the window in characters")		\
	F(S, u32, cols, "its width")

#define WIRE_MSG_terminal_rep(F, S)					\
	F(S, u32, id, "its number")					\
	F(S, s32, pid, "of the shell")

#define WIRE_MSG_terminal_id(F, S)					\
	F(S, u32, id, "the terminal's number")

#define WIRE_MSG_terminal_input_req(F, S)				\
	F(S, u32, id, "the terminal's number")				\
	F(S, bytes, data, "at most 4096 bytes")

#define WIRE_MSG_terminal_output_rep(F, S)				\
	F(S, bytes, data, "output, at most WIRE_PIECE; empty at the end")	\
	F(S, u32, ended, "1: the shell has ended, and all its output was sent") \
	F(S, s32, code, "exit status, or 128+signal")			\
	F(S, s32, signal, "signal that killed it, or 0")

#define WIRE_MSG_terminal_size_req(F, S)				\
	F(S, u32, id, "the terminal's number")				\
	F(S, u32, rows, "height of the window in characters")		\
	F(S, u32, cols, "its width")

/* REASON(number, name, doc): why an op failed, as a fail message tells it. */
#define WIRE_REASONS(REASON)						\
	REASON(1, ERRNO, "a system call failed; err has its errno")	\
	REASON(2, BAD, "the request is malformed or contradictory")	\
	REASON(3, GONE, "the executor has died; text says how")		\
	REASON(4, BUSY, "the channel has a call in flight")		\
	REASON(5, RACE_ENDED, "the other side of the race has ended")

/*
 * OP(number, name, by, request, reply, doc).  by: supervisor, answered by the
 * supervisor (channel 0), or executor, by the executor of the channel.
 */
#define WIRE_OPS(OP)							\
	OP(1, hello, supervisor, hello, nothing,				\
	   "opens a session; must be the runner's first frame")		\
	OP(2, ping, supervisor, blob, blob, "sends the bytes back")		\
	OP(3, abort, supervisor, abort_req, abort_rep,				\
	   "ends a call past its deadline, and reports where it was stuck") \
	OP(4, shutdown, supervisor, nothing, nothing,				\
	   "syncs and powers off, after the reply")			\
	OP(5, kmsg, supervisor, kmsg_req, kmsg_rep,				\
	   "the kernel log from a record on, as /dev/kmsg has it")		\
	OP(6, end_worker, supervisor, channel_req, nothing,				\
	   "ends a worker; the reply comes when it is gone")		\
	OP(7, put_module, supervisor, write_req, nothing,			\
	   "writes a piece of a file in /lib/modules/RELEASE; the path is its name") \
	OP(8, terminal, supervisor, terminal_req, terminal_rep,		\
	   "opens a terminal with an interactive shell")		\
	OP(9, terminal_input, supervisor, terminal_input_req, nothing,	\
	   "types; the reply comes when the terminal has taken all bytes") \
	OP(10, terminal_output, supervisor, terminal_id, terminal_output_rep, \
	   "waits for output; the reply to the shell's end ends the terminal") \
	OP(11, terminal_size, supervisor, terminal_size_req, nothing,	\
	   "sets the size of a terminal's window")			\
	OP(25, look, supervisor, nothing, look_rep,			\
	   "tells what the calls in flight wait for, and disturbs none")	\
	OP(14, terminal_close, supervisor, terminal_id, nothing,	\
	   "hangs up a terminal and kills its shell")			\
	OP(12, quiesce, supervisor, quiesce_req, quiesce_rep,			\
	   "before a save: syncs, reseeds, marks the kernel log") \
	OP(13, resume, supervisor, resume_req, nothing,			\
	   "after a resume: sets the clock, reseeds")	\
	OP(15, executor_resume, executor, resume_req, nothing,			\
	   "the same, by an executor, which reads the link: faster")	\
	OP(16, echo, executor, blob, blob, "sends the bytes back, from the executor")	\
	OP(17, syscall, executor, syscall_req, syscall_rep,			\
	   "one raw system call, with buffers and pointers in them")	\
	OP(18, exec, executor, exec_req, exec_rep,				\
	   "a command or a program; its output comes as data frames")		\
	OP(19, read, executor, path_req, read_rep,				\
	   "reads a file; its content comes as data frames")			\
	OP(20, write, executor, write_req, nothing, "writes a piece of a file")	\
	OP(21, spawn, executor, spawn_req, spawn_rep,			\
	   "makes a worker: an executor with a channel of its own")		\
	OP(22, batch, executor, batch_req, batch_rep,			\
	   "makes many calls; or is one side of a race")			\
	OP(23, job, executor, job_req, job_rep, "starts a shell command and does not wait for it") \
	OP(24, job_wait, executor, job_wait_req, job_wait_rep,		\
	   "waits for a job; sends its output so far")

#endif
