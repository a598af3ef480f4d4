/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol between runner and agent, as one table.
 *
 * From these rows come the enum of ops, the structs, the descriptors that the
 * codec walks, the agent's dispatch, the trace printer, the fuzzer of
 * tests/host/codec.c, the fingerprint in hello and the protocol manual
 * (provium protocol).  To add an op: a row in WIRE_OPS, rows for its
 * messages, one do_NAME() in the agent, one test.
 */
#ifndef AGENT_WIRE_OPS_H
#define AGENT_WIRE_OPS_H

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
	T(str_list, struct wire_list, &wire_desc_str)

/* MSG(name, doc); the fields of message NAME are WIRE_MSG_NAME(F, S). */
#define WIRE_MSGS(MSG)							\
	MSG(nothing, "no fields")					\
	MSG(str, "a string in a list")					\
	MSG(seg, "a buffer of a system call, and where its address goes") \
	MSG(out, "what a buffer holds after the call")			\
	MSG(blob, "uninterpreted bytes")				\
	MSG(fail, "why an op could not be done")			\
	MSG(data, "a piece of a stream that belongs to the request")	\
	MSG(ready, "the agent's first frame on a link")			\
	MSG(hello, "the runner's first frame on a link")		\
	MSG(abort_req, "which executor")				\
	MSG(abort_rep, "what was done to it, and where it was stuck")	\
	MSG(syscall_req, "a system call")				\
	MSG(syscall_rep, "its raw result")				\
	MSG(exec_req, "a shell command")				\
	MSG(exec_rep, "how it ended")					\
	MSG(path_req, "a file to read")					\
	MSG(read_rep, "after the data")					\
	MSG(write_req, "a piece of a file to write")			\
	MSG(kmsg_req, "from where in the kernel log")			\
	MSG(kmsg_rep, "after the records")

#define WIRE_MSG_nothing(F, S)

#define WIRE_MSG_str(F, S)						\
	F(S, bytes, value, "its bytes, no terminator")

#define WIRE_MSG_seg(F, S)						\
	F(S, s32, arg, "argument 0-5 that becomes its address, or -1")	\
	F(S, s32, parent, "earlier buffer that holds its address, or -1") \
	F(S, u32, offset, "where in the parent, in bytes")		\
	F(S, u32, len, "its length; what data does not fill is zero")	\
	F(S, u32, out, "1: send it back after the call")		\
	F(S, bytes, data, "what it holds before the call")

#define WIRE_MSG_out(F, S)						\
	F(S, u32, seg, "index of the buffer in the request")		\
	F(S, u32, under, "bytes before its start that were overwritten") \
	F(S, bytes, data, "its content, at full length, if it was asked for")

#define WIRE_MSG_blob(F, S)						\
	F(S, bytes, data, "any")

#define WIRE_MSG_fail(F, S)						\
	F(S, u32, why, "enum wire_why")					\
	F(S, s32, err, "errno, or 0")					\
	F(S, bytes, text, "for a person")

#define WIRE_MSG_data(F, S)						\
	F(S, u32, stream, "1 stdout, file or log; 2 stderr")		\
	F(S, bytes, data, "at most WIRE_PIECE")

#define WIRE_MSG_ready(F, S)						\
	F(S, u64, fingerprint, "wire_fingerprint() of the agent")	\
	F(S, bytes, version, "of the agent")				\
	F(S, bytes, release, "of the guest's kernel, as uname -r")

#define WIRE_MSG_hello(F, S)						\
	F(S, u64, fingerprint, "wire_fingerprint() of the runner")	\
	F(S, bytes, version, "of the runner")

#define WIRE_MSG_abort_req(F, S)					\
	F(S, u32, chan, "the executor's channel")

#define WIRE_MSG_abort_rep(F, S)					\
	F(S, u32, what, "enum wire_aborted")				\
	F(S, bytes, report, "state, kernel stack and system call of the task")

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
	F(S, s64, ret, "what the kernel returned in rax")		\
	F(S, out_list, outs, "in the order of the request's buffers")

#define WIRE_MSG_exec_req(F, S)						\
	F(S, bytes, cmd, "for /bin/sh -c")				\
	F(S, bytes, cwd, "empty: the executor's")			\
	F(S, str_list, env, "NAME=value, added to the default environment") \
	F(S, bytes, input, "its standard input")			\
	F(S, u32, limit, "bytes a stream may have before it is killed")

#define WIRE_MSG_exec_rep(F, S)						\
	F(S, s32, code, "exit status, or 128+signal")			\
	F(S, s32, signal, "that killed it, or 0")			\
	F(S, u32, overflow, "stream that grew past the limit, or 0")

#define WIRE_MSG_path_req(F, S)						\
	F(S, bytes, path, "")

#define WIRE_MSG_read_rep(F, S)						\
	F(S, u64, size, "bytes sent")

#define WIRE_MSG_write_req(F, S)					\
	F(S, bytes, path, "")						\
	F(S, u64, offset, "0 creates and truncates")			\
	F(S, bytes, data, "")

#define WIRE_MSG_kmsg_req(F, S)						\
	F(S, u64, from, "first sequence number wanted; 0: all there is")

#define WIRE_MSG_kmsg_rep(F, S)						\
	F(S, u64, next, "sequence number of the next record to come")

/*
 * OP(number, name, who, request, reply, doc).  who: sup, answered by the
 * supervisor (channel 0), or exe, by the executor of the channel.
 */
#define WIRE_OPS(OP)							\
	OP(1, hello, sup, hello, nothing,				\
	   "opens a session; must be the runner's first frame")		\
	OP(2, ping, sup, blob, blob, "sends the bytes back")		\
	OP(3, abort, sup, abort_req, abort_rep,				\
	   "ends a call past its deadline, and says where it was stuck") \
	OP(4, shutdown, sup, nothing, nothing,				\
	   "syncs and powers off, after the reply")			\
	OP(5, kmsg, sup, kmsg_req, kmsg_rep,				\
	   "the kernel log from a record on, as /dev/kmsg has it")		\
	OP(16, echo, exe, blob, blob, "ping, by way of the executor")	\
	OP(17, syscall, exe, syscall_req, syscall_rep,			\
	   "one raw system call, with buffers, pointers inside them")	\
	OP(18, exec, exe, exec_req, exec_rep,				\
	   "a shell command; output comes as data frames")		\
	OP(19, read, exe, path_req, read_rep,				\
	   "a file; content comes as data frames")			\
	OP(20, write, exe, write_req, nothing, "a piece of a file")

#endif
