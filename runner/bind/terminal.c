// SPDX-License-Identifier: GPL-2.0-only
/* The user's terminal as Lua uses it. */
#include "runner/base/tty.h"
#include "runner/bind/bind.h"
#include "runner/vm/terminal.h"

/*
 * Runs a shell on the open terminal.  Calls no function of Lua, so no error of
 * Lua can leave t allocated.
 */
static enum terminal_state run(struct vm *vm, struct tty *tty, struct terminal_opts *opts,
			       int *code, struct err *err)
{
	enum terminal_state state = TERMINAL_DEAD;
	struct terminal *t;

	opts->tty_fd = tty->fd;
	opts->size_fd = tty->size_fd;
	t = terminal_new(vm, opts, err);
	if (!t)
		return TERMINAL_DEAD;
	if (tty_set_raw(tty))
		err_set(err, ERR_BROKEN, 0, "cannot set the modes of the terminal on stdin");
	else
		state = terminal_run(t, code, err);
	terminal_free(t);
	return state;
}

/*
 * vm:terminal(prompt, TERM, LANG): connects the terminal on stdin to a shell in
 * the guest, until the shell ends.  Returns the shell's exit status; or nil and
 * "left" or "gone" if the user or the terminal has left the shell.  Raises an
 * error if the VM dies.
 */
static int l_terminal(lua_State *L)
{
	struct vm *vm = bind_check_vm(L);
	struct terminal_opts opts = {
		.prompt = luaL_checkstring(L, 2), .term = luaL_optstring(L, 3, ""),
		.lang = luaL_optstring(L, 4, ""),
	};
	enum terminal_state state = TERMINAL_DEAD;
	struct tty tty;
	struct err err;
	int code = 0;

	tty_init(&tty);
	if (!tty_open(&tty, &err))
		state = run(vm, &tty, &opts, &code, &err);
	tty_release(&tty);
	if (state == TERMINAL_DEAD)
		bind_raise(L, &err);
	if (state == TERMINAL_ENDED) {
		lua_pushinteger(L, code);
		return 1;
	}
	lua_pushnil(L);
	lua_pushstring(L, state == TERMINAL_LEFT ? "left" : "gone");
	return 2;
}

const luaL_Reg bind_terminal_methods[] = {
	{ "terminal", l_terminal },
	{ NULL, NULL },
};
