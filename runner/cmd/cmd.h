/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of `provium`.  Each has its own file with its options and its
 * usage text.  table.c lists them.
 */
#ifndef RUNNER_CMD_CMD_H
#define RUNNER_CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "runner/base/err.h"

struct command {
	const char *name;
	const char *summary;	/* one line in `provium --help` */
	const char *usage;	/* "usage: provium NAME ...\n", a line for each form */
	const char *help;	/* description, options, examples */
	/*
	 * argv[0] is "provium NAME".  Returns the exit status, or the negated
	 * number of the signal that interrupted the command.
	 */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_test, cmd_exec, cmd_shell, cmd_repl, cmd_gdb, cmd_replay,
	cmd_make, cmd_init;
extern const struct command cmd_check, cmd_bisect;
extern const struct command cmd_doctor, cmd_fixture, cmd_gate, cmd_kept;
extern const struct command cmd_explain, cmd_protocol, cmd_version;
/* Commands that only make uses: see mk/test.mk. */
extern const struct command cmd_accel, cmd_make_plan, cmd_make_order,
	cmd_make_test, cmd_make_summary, cmd_make_matrix, cmd_make_watch;
/* A command that only shells use: see completion/. */
extern const struct command cmd_complete;

/* Returns the command of that name, or NULL. */
const struct command *cmd_find(const char *name);
/* Prints the list of the commands: `provium --help`. */
void cmd_overview(FILE *to);

/* Prints the usage and the help to stdout.  Returns 0. */
int cmd_help(const struct command *c);
/* Prints the usage to stderr, for wrong arguments.  Returns EXIT_USAGE. */
int cmd_usage(const struct command *c);
/* As cmd_usage(); first prints a line "provium NAME: MESSAGE". */
int cmd_usage_error(const struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Prints the list of kept VMs (`provium kept`), if there are any or
 * even_if_none.  Returns 0, or an exit status with err filled.
 */
int cmd_print_kept(FILE *to, bool even_if_none, struct err *err);

/* Prints a list of client_list_any() (runner/attach/client.h). */
void cmd_print_vms(FILE *to, const json_t *list);

/*
 * For a command that make has started: it gets SIGTERM when its parent ends,
 * which is make or the shell of a recipe.  A make that gets SIGTERM passes it
 * to its shells only, and a make that is killed cannot end its children.
 */
void cmd_end_with_make(void);

/* Returns 0 if there is a gdb, or EXIT_USAGE after an error message. */
int cmd_check_gdb(const struct command *c);

/*
 * Converts decimal digits to a number from 1 to max; 0 if the text is anything
 * else.
 */
unsigned int cmd_number(const char *text, unsigned int max);

/*
 * Sets the gate's budget from --mem and --cpus (NULL if not given) or else from
 * PROVIUM_MEM and PROVIUM_CPUS.  Exports the values of the options, because
 * each builder of a fixture is a runner and must use them as well.  Returns 0,
 * or EXIT_USAGE after an error message.
 */
int cmd_set_budget(const struct command *c, const char *mem, const char *cpus);

/*
 * Calls run(args[0], ..., args[nr - 1]) of a Lua module of the harness
 * (runner/lua/); a NULL argument becomes nil.  Returns the exit status that
 * run() returns.  Prints an error; returns EXIT_USAGE for one of kind "user",
 * EXIT_BROKEN for any other.
 */
int cmd_run_module(const char *module, int nr, char *const *args);

#endif
