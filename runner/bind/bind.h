/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Lua sees of the runner: the module provium.core, on which the harness
 * of runner/lua stands.  Nothing here is a test's to call directly.
 */
#ifndef RUNNER_BIND_BIND_H
#define RUNNER_BIND_BIND_H

#include <jansson.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdnoreturn.h>

#include "agent/wire/wire.h"
#include "runner/base/err.h"

/* Leaves the table provium.core on the stack. */
int bind_open(lua_State *L);

/*
 * Raises an error object: a table { message, kind = "broken" | "guest" | "op" |
 * "user" | "timeout" | "interrupted", console } whose tostring() is the message.
 * console is the part of the message that shows a guest's console, if it has one.
 */
noreturn void bind_raise(lua_State *L, const struct err *err);

/* core.vm(profile): a VM, not booted. */
int bind_vm_new(lua_State *L);
/* core.claim(bytes, cpus): seconds waited. */
int bind_claim(lua_State *L);
/* core.json(text): a Lua value; nil and why if it is not JSON. */
int bind_json_decode(lua_State *L);
/* The value at idx as JSON text on the stack (strings must be UTF-8). */
int bind_json_encode(lua_State *L);
/* Pushes the tables { name = number, [number] = name }. */
void bind_push_nr(lua_State *L);
void bind_push_errno(lua_State *L);
/* Pushes the table { name = integer }. */
void bind_push_const(lua_State *L);

/* Pushes the payload of a message made from the table at idx. */
void bind_encode(lua_State *L, int idx, const struct wire_desc *desc);
/* Pushes a table made from a payload.  False if it is malformed. */
int bind_decode(lua_State *L, const struct wire_desc *desc,
		const void *payload, size_t len);
/* Pushes the message of a reply or fail frame as a table; raises if it is malformed. */
void bind_push_reply(lua_State *L, const struct wire_op_desc *op, unsigned int kind,
		     const void *payload, size_t len);
/* core.encode(op, request): its number and payload.  core.decode(op, kind, payload):
 * the reply, or nil and the fail message. */
int bind_l_encode(lua_State *L);
int bind_l_decode(lua_State *L);

/* The value as tables; nothing of it is taken over. */
void bind_push_json(lua_State *L, const json_t *v);
/* The value at idx as JSON: the caller releases it. */
json_t *bind_to_json(lua_State *L, int idx);

struct vm;

/* The VM at index 1; raises if it is no VM, or released. */
struct vm *bind_check_vm(lua_State *L);
/* Functions for provium.core, and methods for a VM. */
extern const luaL_Reg bind_fixture_functions[], bind_fixture_methods[];
extern const luaL_Reg bind_snapshot_methods[];
extern const luaL_Reg bind_host_functions[];

#endif
