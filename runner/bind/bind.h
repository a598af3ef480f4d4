/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Lua module provium.core: the runner's C functions for the harness in
 * runner/lua/.  Tests use the harness, and never this module directly.
 */
#ifndef RUNNER_BIND_BIND_H
#define RUNNER_BIND_BIND_H

#include <jansson.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdnoreturn.h>

#include "agent/wire/wire.h"
#include "runner/base/err.h"

/* Pushes the table provium.core. */
int bind_open(lua_State *L);

/*
 * Raises an error object: a table { message, kind = "broken" | "guest" | "op" |
 * "user" | "timeout" | "interrupted", console } whose tostring() is the
 * message. console is the part of the message that shows a guest's console, if
 * it has one.
 */
noreturn void bind_raise(lua_State *L, const struct err *err);
/* Pushes the error object that bind_raise() would raise. */
void bind_push_error(lua_State *L, const struct err *err);

/*
 * Stores the n strings of the list at index idx in words, without copying them:
 * they are valid as long as the list has them.  Anything else is an error.
 */
void bind_words(lua_State *L, int idx, char **words, size_t n);

/* Returns the Lua thread that runs now, as the last core.running() told. */
lua_State *bind_running_thread(void);

/* core.vm(profile): a new VM, not booted. */
int bind_vm_new(lua_State *L);
/*
 * core.claim(bytes, cpus): reserves that memory and those processors at the
 * gate; returns the seconds waited.
 */
int bind_claim(lua_State *L);
/* core.peak_memory(): returns gate_peak(). */
int bind_peak_memory(lua_State *L);
/*
 * core.json(text): decodes JSON text into a Lua value; returns nil and the
 * error if text is not JSON.
 */
int bind_json_decode(lua_State *L);
/*
 * core.to_json(value): encodes a value as JSON text; its strings must be UTF-8.
 */
int bind_json_encode(lua_State *L);
/*
 * Pushes the table { name = number, [number] = name } of system calls (nr) or
 * of errors (errno).
 */
void bind_push_nr(lua_State *L);
void bind_push_errno(lua_State *L);
/* Pushes provium.const, the table { name = integer } of constants. */
void bind_push_const(lua_State *L);
/* Pushes the table { name = number } of enum wire_reason, such as BUSY. */
void bind_push_reasons(lua_State *L);

/*
 * core.complaints(lines, first): the reports in lines[first] and the lines
 * after it, as a list of { kind, title, fatal, panic, lines = { indices
 * } }.  Elements that are not strings (false: a line from user space) are
 * skipped.
 */
int bind_complaints(lua_State *L);
/*
 * core.symbols(path, list): looks up the functions { name, size } in the ELF
 * file (runner/complaint/symbols.h). Returns a list with { value, section }, or
 * false, for each, and the file's build id; nothing if the file cannot be read.
 */
int bind_symbols(lua_State *L);

/* Pushes the payload that encodes the table at idx. */
void bind_encode(lua_State *L, int idx, const struct wire_desc *desc);
/*
 * Decodes a payload and pushes it as a table.  Returns false if the payload is
 * malformed.
 */
int bind_decode(lua_State *L, const struct wire_desc *desc,
		const void *payload, size_t len);
/*
 * Decodes the payload of a reply or fail frame and pushes it as a table.
 * Raises an error if it is malformed.
 */
void bind_push_reply(lua_State *L, const struct wire_op_desc *op, unsigned int kind,
		     const void *payload, size_t len);
/*
 * core.encode(op, request): the op's number and the payload.
 * core.decode(op, kind, payload): the reply, or nil and the fail message.
 */
int bind_l_encode(lua_State *L);
int bind_l_decode(lua_State *L);

/* core.command() and core.own(): see command.c. */
int bind_l_command(lua_State *L);
int bind_l_own(lua_State *L);

/* Pushes a copy of v as Lua values. */
void bind_push_json(lua_State *L, const json_t *v);
/* Converts the Lua value at idx to JSON; the caller releases the result. */
json_t *bind_to_json(lua_State *L, int idx);

struct vm;

/*
 * Returns the VM at index 1; raises an error if that is not a VM or was
 * released.
 */
struct vm *bind_check_vm(lua_State *L);
struct vm *bind_vm_at(lua_State *L, int idx);
/* Functions for the table provium.core, and methods for VM objects. */
extern const luaL_Reg bind_fixture_functions[], bind_fixture_methods[];
extern const luaL_Reg bind_snapshot_methods[], bind_terminal_methods[];
extern const luaL_Reg bind_debugger_methods[], bind_recording_methods[];
extern const luaL_Reg bind_host_functions[], bind_recording_functions[];
extern const luaL_Reg bind_kept_methods[], bind_kept_functions[];
extern const luaL_Reg bind_visit_functions[];
extern const luaL_Reg bind_line_functions[];
extern const luaL_Reg bind_timeline_functions[];

/* core.kept_debugger(): starts gdb on a kept VM; see debugger.c. */
int bind_kept_debugger(lua_State *L);

struct vm_opts;

/*
 * Pushes and returns the options of a boot, from the table at index 2, which
 * the harness has checked.
 */
struct vm_opts *bind_boot_options(lua_State *L);

#endif
