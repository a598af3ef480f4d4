// SPDX-License-Identifier: GPL-2.0-only
/* Lines that the user types, with editing, history and completion (libedit). */
#include <dlfcn.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/base/foreground.h"
#include "runner/base/interrupt.h"
#include "runner/base/tty.h"
#include "runner/bind/bind.h"

#define MAX_HISTORY 1000		/* lines */
/* A word ends before these: "vm:exec" and "provium.pack" are one word. */
#define BREAKS " \t\n\"'(){}[],;=<>+-*/^%#~&|"
#define MAX_SHOWN 200			/* candidates */

/*
 * libedit is loaded when the first line is edited: with it, each start of the
 * runner would take some ms longer.
 */
#define EDIT_FUNCTIONS(F) \
	F(el_init) F(el_set) F(el_line) F(el_insertstr) F(el_source) F(el_resize) F(el_gets) \
	F(el_reset) F(el_end) F(history_init) F(history) F(history_end)

#define DECLARE(name) __typeof__(&(name)) name;
static struct {
	EDIT_FUNCTIONS(DECLARE)
} edit;

static struct {
	EditLine *el;
	History *history;
	struct foreground terminal;
	lua_State *L;			/* has the completing function at index 2 */
	const char *prompt;
	bool cancelled;			/* by Ctrl-C */
} line;

static char *prompt(EditLine *el)
{
	(void)el;
	return (char *)(uintptr_t)line.prompt;
}

/*
 * Reads a character.  Returns 1, or -1 at the end of the input and after a
 * signal: libedit's own function would go on to wait if the signal came just
 * before its read(2).
 */
static int read_key(EditLine *el, wchar_t *to)
{
	struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { interrupt_fd(), POLLIN, 0 } };
	mbstate_t state = { 0 };
	size_t n = (size_t)-2;			/* the character is not complete */
	char byte;

	(void)el;
	while (n == (size_t)-2) {
		int ready = poll(fds, 2, -1);

		if (interrupt_pending())
			return -1;
		if (ready <= 0)
			continue;
		if (read(STDIN_FILENO, &byte, 1) != 1)
			return -1;
		n = mbrtowc(to, &byte, 1, &state);
	}
	if (n == (size_t)-1)
		*to = L'?';
	return 1;
}

/* The key Ctrl-C: drops the line that the user has typed so far. */
static unsigned char cancel(EditLine *el, int key)
{
	(void)el, (void)key;
	line.cancelled = true;
	return CC_EOF;
}

/* --- completion with the key Tab --- */

/* Pushes the list of the completions for the word before the cursor. */
static bool push_candidates(const LineInfo *at, const char *word)
{
	lua_State *L = line.L;

	lua_pushvalue(L, 2);
	lua_pushlstring(L, word, (size_t)(at->cursor - word));
	lua_pushlstring(L, at->buffer, (size_t)(word - at->buffer));
	return !lua_pcall(L, 2, 1, 0) && lua_istable(L, -1) && luaL_len(L, -1) > 0;
}

/* The candidate's text stays valid while the list is on the stack. */
static const char *candidate(lua_Integer i)
{
	const char *text;

	lua_geti(line.L, -1, i);
	text = lua_tostring(line.L, -1);
	lua_pop(line.L, 1);
	return text ? text : "";
}

/* Returns how many bytes all candidates begin with. */
static size_t common(lua_Integer nr)
{
	const char *first = candidate(1);
	size_t n = strlen(first), k;

	for (lua_Integer i = 2; i <= nr; i++) {
		const char *other = candidate(i);

		for (k = 0; k < n && first[k] == other[k]; k++)
			;
		n = k;
	}
	return n;
}

static void show_candidates(lua_Integer nr)
{
	unsigned int rows, cols, width = 1, used = 0;

	tty_size(STDOUT_FILENO, &rows, &cols);
	for (lua_Integer i = 1; i <= nr; i++)
		if (strlen(candidate(i)) + 2 > width)
			width = (unsigned int)strlen(candidate(i)) + 2;
	putchar('\n');
	for (lua_Integer i = 1; i <= nr && i <= MAX_SHOWN; i++) {
		if (used && used + width > cols)
			used = 0, putchar('\n');
		printf("%-*s", (int)width, candidate(i));
		used += width;
	}
	if (nr > MAX_SHOWN)
		printf("\n… (%lld more)", (long long)nr - MAX_SHOWN);
	putchar('\n');
	fflush(stdout);
}

/* The key Tab: adds what all candidates have in common, or shows them. */
static unsigned char complete(EditLine *el, int key)
{
	const LineInfo *at = edit.el_line(el);
	const char *word = at->cursor;
	unsigned char did = CC_ERROR;
	char rest[256];
	size_t n, len;

	(void)key;
	while (word > at->buffer && !strchr(BREAKS, word[-1]))
		word--;
	len = (size_t)(at->cursor - word);
	if (push_candidates(at, word)) {
		lua_Integer nr = luaL_len(line.L, -1);

		n = common(nr);
		if (n > len && n - len < sizeof(rest)) {
			snprintf(rest, sizeof(rest), "%.*s", (int)(n - len), candidate(1) + len);
			did = edit.el_insertstr(el, rest) ? CC_ERROR : CC_REFRESH;
		} else if (nr > 1) {
			show_candidates(nr);
			did = CC_REDISPLAY;
		}
	}
	lua_settop(line.L, 2);
	return did;
}

/* --- the history of typed lines --- */

/*
 * Returns the path of the file with the history; NULL if this user has no home.
 * Caller frees.
 */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && *state == '/')
		return xasprintf("%s/provium/history", state);
	return home && *home == '/' ? xasprintf("%s/.local/state/provium/history", home) : NULL;
}

static void load_history(void)
{
	char *path = history_path();
	HistEvent event;

	edit.history(line.history, &event, H_SETSIZE, MAX_HISTORY);
	edit.history(line.history, &event, H_SETUNIQUE, 1);
	if (path)
		edit.history(line.history, &event, H_LOAD, path);
	free(path);
}

/*
 * Replaces the history file in one step.  libedit makes it readable for its
 * owner only.
 */
static void save_history(void)
{
	char *path = history_path();
	char *dir = path ? files_dirname(path) : NULL;
	char *new = path ? xasprintf("%s.%d", path, getpid()) : NULL;
	mode_t mask = umask(077);
	HistEvent event;

	if (path && !files_mkdirs(dir) && edit.history(line.history, &event, H_SAVE, new) >= 0)
		rename(new, path);
	if (new)
		unlink(new);
	umask(mask);
	free(path);
	free(dir);
	free(new);
}

/* --- the functions that Lua calls --- */

/* Raises an error if there is no libedit. */
static void load_libedit(lua_State *L)
{
	void *lib = dlopen("libedit.so.2", RTLD_NOW);	/* Debian's and Ubuntu's */

	if (!lib)
		lib = dlopen("libedit.so.0", RTLD_NOW);
	if (!lib)
		luaL_error(L, "the prompt needs the library libedit, which cannot be loaded: %s",
			   dlerror());
#define LOAD(name) \
	edit.name = (__typeof__(edit.name))dlsym(lib, #name); \
	if (!edit.name) \
		luaL_error(L, "libedit has no function %s: %s", #name, dlerror());
	EDIT_FUNCTIONS(LOAD)
}

/*
 * core.line_begin(): makes this process the terminal's foreground, so that
 * Ctrl-C reaches no other process, and reads the history.
 */
static int l_begin(lua_State *L)
{
	struct err err;

	if (foreground_enter(&line.terminal, &err))
		bind_raise(L, &err);
	load_libedit(L);
	setlocale(LC_CTYPE, "");		/* for characters that are not ASCII */
	line.el = edit.el_init("provium", stdin, stdout, stderr);
	line.history = edit.history_init();
	if (!line.el || !line.history)
		return luaL_error(L, "the terminal cannot edit lines (TERM=%s)", getenv("TERM"));
	load_history();
	edit.el_set(line.el, EL_EDITOR, "emacs");
	edit.el_set(line.el, EL_HIST, edit.history, line.history);
	edit.el_set(line.el, EL_PROMPT, prompt);
	edit.el_set(line.el, EL_GETCFN, read_key);
	edit.el_set(line.el, EL_ADDFN, "provium-complete", "completes a name", complete);
	edit.el_set(line.el, EL_ADDFN, "provium-cancel", "drops the line", cancel);
	edit.el_set(line.el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	edit.el_source(line.el, NULL);	/* ~/.editrc */
	edit.el_set(line.el, EL_BIND, "^I", "provium-complete", NULL);
	edit.el_set(line.el, EL_BIND, "^C", "provium-cancel", NULL);
	/* While a line is edited, Ctrl-C is a key like others. */
	edit.el_set(line.el, EL_SETTY, "-d", "-isig", NULL);
	return 0;
}

/*
 * core.line(prompt, complete): returns a line that the user has typed, without
 * its end; "" after Ctrl-C, with true; nil at the end of the input or after a
 * signal. complete(word, before): returns a list of candidates for the word;
 * before is the text of the line before it.
 */
static int l_line(lua_State *L)
{
	HistEvent event;
	const char *text;
	int n = 0;

	line.prompt = luaL_checkstring(L, 1);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	line.L = L;
	line.cancelled = false;
	edit.el_resize(line.el);
	/*
	 * Without this, the kernel would edit the keys that the user types as
	 * soon as the prompt appears.
	 */
	edit.el_set(line.el, EL_PREP_TERM, 1);
	text = edit.el_gets(line.el, &n);
	if (line.cancelled) {
		edit.el_reset(line.el);
		puts("^C");
		lua_pushliteral(L, "");
		lua_pushboolean(L, 1);
		return 2;
	}
	if (!text || n <= 0 || interrupt_pending())
		return 0;
	if (n > 1)
		edit.history(line.history, &event, H_ENTER, text);
	lua_pushlstring(L, text, strcspn(text, "\n"));
	return 1;
}

/* core.line_end(): gives the terminal back, and saves the history. */
static int l_end(lua_State *L)
{
	(void)L;
	if (line.el)
		edit.el_end(line.el);
	if (line.history) {
		save_history();
		edit.history_end(line.history);
	}
	line.el = NULL;
	line.history = NULL;
	foreground_leave(&line.terminal);
	return 0;
}

/* core.forget_interrupt(): a Ctrl-C has been handled. */
static int l_forget_interrupt(lua_State *L)
{
	if (interrupt_pending() != SIGINT)
		return 0;
	interrupt_forget();
	lua_sethook(L, NULL, 0, 0);
	return 0;
}

const luaL_Reg bind_line_functions[] = {
	{ "line_begin", l_begin },
	{ "line", l_line },
	{ "line_end", l_end },
	{ "forget_interrupt", l_forget_interrupt },
	{ NULL, NULL },
};
