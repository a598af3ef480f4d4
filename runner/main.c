// SPDX-License-Identifier: GPL-2.0-only
/* The runner: arguments, one call, exit status. */
#include <getopt.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/wire/wire.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/bind/state.h"
#include "runner/gate/gate.h"
#include "runner/cmd/doctor.h"
#include "runner/make/progress.h"
#include "runner/run/suite.h"
#include "runner/make/summary.h"
#include "runner/probe/accel.h"


struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *help;
};

static const struct command commands[];

static int usage(const struct command *c, FILE *to)
{
	fprintf(to, "usage: provium %s\n%s", c->usage, c->help);
	return to == stdout ? 0 : EXIT_USAGE;
}

static const struct command *find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static int bad_usage(const char *name, const char *fmt, const char *what)
{
	fprintf(stderr, "provium %s: ", name);
	fprintf(stderr, fmt, what);
	fputc('\n', stderr);
	return usage(find(name), stderr);
}

/* What Lua has against it as a pattern, or NULL. */
static const char *pattern_error(const char *pattern)
{
	static char text[128];
	lua_State *L = luaL_newstate();

	*text = 0;
	luaL_requiref(L, "string", luaopen_string, 0);
	lua_getfield(L, -1, "find");
	lua_pushliteral(L, "x");
	lua_pushstring(L, pattern);
	if (lua_pcall(L, 2, 0, 0))
		snprintf(text, sizeof(text), "-f: %s", lua_tostring(L, -1));
	lua_close(L);
	return *text ? text : NULL;
}

/* "512M", "2G", or bytes; 0 if it is none. */
static uint64_t size_of(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = strchr("KMG", *end);

	if (end == text || !unit || (*end && end[1]))
		return 0;
	return n << (!*end ? 0 : *end == 'K' ? 10 : *end == 'M' ? 20 : 30);
}

/* The budget: the environment's, which builders of fixtures have, too.  An error's text, or NULL. */
static const char *set_budget(void)
{
	const char *mem = getenv("PROVIUM_MEM"), *cpus = getenv("PROVIUM_CPUS");
	uint64_t memory = mem && *mem ? size_of(mem) : 0;
	unsigned long nr = cpus && *cpus ? strtoul(cpus, NULL, 10) : 0;

	if (mem && *mem && !memory)
		return "--mem: expected a size like 2G or 512M";
	if (cpus && *cpus && (!nr || nr > 65535 || strspn(cpus, "0123456789") != strlen(cpus)))
		return "--cpus: expected a number of 1 or more";
	gate_set_budget(memory, (unsigned int)nr);
	return NULL;
}

static int cmd_test(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "format", required_argument, NULL, 'F' },
		{ "filter", required_argument, NULL, 'f' },
		{ "fail-fast", no_argument, NULL, 'x' },
		{ "rerun-failed", no_argument, NULL, 'r' },
		{ "repeat", required_argument, NULL, 'n' },
		{ "verdict", required_argument, NULL, 'v' },
		{ "progress", required_argument, NULL, 'p' },
		{ "mem", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct suite_opts opts = { .format = &format_human, .repeat = 1 };
	const char *why;
	char *end;
	int o;

	while ((o = getopt_long(argc, argv, "f:", longs, NULL)) != -1) {
		switch (o) {
		case 'F':
			opts.format = format_find(optarg);
			if (!opts.format)
				return bad_usage("test", "--format %s: expected human, tap, json or junit", optarg);
			break;
		case 'f':
			if (pattern_error(optarg))
				return bad_usage("test", "%s", pattern_error(optarg));
			opts.filter = optarg;
			break;
		case 'x':
			opts.fail_fast = true;
			break;
		case 'n':
			opts.repeat = (unsigned int)strtoul(optarg, &end, 10);
			if (*end || !opts.repeat)
				return bad_usage("test", "--repeat %s: expected a number", optarg);
			break;
		case 'r':
			opts.rerun_failed = true;
			break;
		case 'v':
			opts.verdict = optarg;
			opts.format = &format_brief;
			break;
		case 'p':
			opts.progress = optarg;
			break;
		case 'm':
			setenv("PROVIUM_MEM", optarg, 1);
			break;
		case 'c':
			setenv("PROVIUM_CPUS", optarg, 1);
			break;
		default:
			return usage(find("test"), stderr);
		}
	}
	why = set_budget();
	if (why)
		return bad_usage("test", "%s", why);
	if (optind == argc && !opts.rerun_failed)
		return bad_usage("test", "%s", "no file or folder given");
	if (opts.verdict && (argc - optind != 1 || opts.repeat != 1))
		return bad_usage("test", "%s", "--verdict takes one file");
	if (opts.progress && !opts.verdict)
		return bad_usage("test", "%s", "--progress goes with --verdict");
	return suite_run(argv + optind, (size_t)(argc - optind), &opts);
}

static int cmd_summary(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "since", required_argument, NULL, 's' },
		{ "report", required_argument, NULL, 'r' },
		{ "fail-fast", no_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	struct summary_opts opts = { 0 };
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 's':
			opts.since = optarg;
			break;
		case 'r':
			opts.report = optarg;
			break;
		case 'x':
			opts.fail_fast = true;
			break;
		default:
			return usage(find("summary"), stderr);
		}
	}
	if (optind == argc)
		return bad_usage("summary", "%s", "no result given");
	return summary_run(argv + optind, (size_t)(argc - optind), &opts);
}

static int cmd_plan(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "all", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	char **inputs = xcalloc((size_t)argc, sizeof(*inputs));
	size_t nr_inputs = 0;
	struct err err;
	bool all = false;
	int o, ret;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o == 'i')
			inputs[nr_inputs++] = optarg;
		else if (o == 'a')
			all = true;
		else
			return usage(find("plan"), stderr);
	}
	if (optind == argc)
		return bad_usage("plan", "%s", "no file given");
	ret = progress_plan(argv[optind], inputs, nr_inputs, argv + optind + 1,
			    (size_t)(argc - optind - 1), all, &err);
	if (ret)
		fprintf(stderr, "provium plan: %s\n", err.text);
	free(inputs);
	return ret ? EXIT_BROKEN : 0;
}

static int cmd_order(int argc, char **argv)
{
	if (argc < 2)
		return bad_usage("order", "%s", "no file given");
	return summary_order(argv[1], argv + 2, (size_t)(argc - 2));
}

/* Protected: require MODULE.run(arguments...); its result. */
static int run_module(lua_State *L)
{
	int n = lua_gettop(L);

	lua_getglobal(L, "require");
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "run");
	for (int i = 2; i <= n; i++)
		lua_pushvalue(L, i);
	lua_call(L, n - 1, 1);
	return 1;
}

/* An error's kind decides: the user's is 2, the infrastructure's is 3. */
static int status_of_error(lua_State *L)
{
	const char *kind = "user";

	fprintf(stderr, "provium: %s\n", luaL_tolstring(L, -1, NULL));
	lua_pop(L, 1);
	if (lua_istable(L, -1) && lua_getfield(L, -1, "kind") == LUA_TSTRING)
		kind = lua_tostring(L, -1);
	return strcmp(kind, "user") ? EXIT_BROKEN : EXIT_USAGE;
}

/* What a part of the harness makes of the arguments: the exit status. */
static int run_command(const char *module, int argc, char **argv)
{
	const char *why = set_budget();
	lua_State *L;
	int status;

	if (why)
		return bad_usage(argv[0], "%s", why);
	L = bind_state_new();
	if (!L)
		return EXIT_BROKEN;
	lua_pushcfunction(L, run_module);
	lua_pushstring(L, module);
	luaL_checkstack(L, argc + 8, "arguments");
	for (int i = 1; i < argc; i++)
		lua_pushstring(L, argv[i]);
	status = lua_pcall(L, argc, 1, 0);
	lua_sethook(L, NULL, 0, 0);	/* an interrupt must not raise here */
	status = status ? status_of_error(L) : (int)lua_tointeger(L, -1);
	lua_close(L);
	return interrupt_pending() ? -interrupt_pending() : status;
}

static int cmd_exec(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	char *words[] = { argv[0], NULL, NULL, NULL, NULL, NULL }, *end;
	int o;

	/* "+": what stands behind the profile is the command's. */
	while ((o = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		switch (o) {
		case 'm':
			words[3] = optarg;
			break;
		case 'c':
			words[4] = optarg;
			if (!strtoul(optarg, &end, 10) || *end)
				return bad_usage("exec", "--cpus %s: expected a number", optarg);
			break;
		case 't':
			words[5] = optarg;
			break;
		default:
			return usage(find("exec"), stderr);
		}
	}
	if (argc - optind != 2)
		return bad_usage("exec", "expected a profile and a command%s", "");
	words[1] = argv[optind];
	words[2] = argv[optind + 1];
	return run_command("provium.exec", 6, words);
}

static int cmd_fixture(int argc, char **argv)
{
	if (argc < 2)
		return bad_usage("fixture", "expected build, list or clean%s", "");
	return run_command("provium.fixture_command", argc, argv);
}

static int cmd_accel(int argc, char **argv)
{
	struct accel accel;
	struct err err;
	char line[640];

	if (argc != 2)
		return bad_usage("accel", "expected a profile%s", "");
	if (accel_choose(argv[1], &accel, &err)) {
		fprintf(stderr, "provium: %s\n", err.text);
		return interrupt_pending() ? -interrupt_pending() :
		       err.kind == ERR_USER ? EXIT_USAGE : EXIT_BROKEN;
	}
	accel_line(&accel, line, sizeof(line));
	puts(line);
	return 0;
}

static int cmd_gate(int argc, char **argv)
{
	struct err err;

	(void)argv;
	if (argc != 1)
		return bad_usage("gate", "%s", "takes no arguments");
	set_budget();
	if (!gate_show(stdout, &err))
		return 0;
	fprintf(stderr, "provium: %s\n", err.text);
	return EXIT_BROKEN;
}

static int cmd_settle(int argc, char **argv)
{
	if (argc != 4)
		return bad_usage("settle", "%s", "expected BASE, FILE and a status");
	return suite_settle(argv[1], argv[2], atoi(argv[3]));
}

static int cmd_doctor(int argc, char **argv)
{
	const char *profile = getenv("PROFILE");

	if (argc > 2)
		return bad_usage("doctor", "%s", "expected a profile, or nothing");
	return doctor_run(argc == 2 ? argv[1] : profile && *profile ? profile : "minimal");
}

static int cmd_protocol(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return bad_usage("protocol", "%s", "takes no arguments");
	wire_manual(stdout);
	return 0;
}

static int cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return bad_usage("version", "%s", "takes no arguments");
	printf("provium %s, protocol %016llx, %s\n", WIRE_VERSION,
	       (unsigned long long)wire_fingerprint(), LUA_RELEASE);
	return 0;
}

static const struct command commands[] = {
	{ "test", cmd_test,
	  "test [--format human|tap|json|junit] [-f PATTERN] [--fail-fast] [--rerun-failed]\n"
	  "                    [--repeat N] [--mem SIZE] [--cpus N] FILE|DIR...",
	  "Runs test files; a DIR: its *.lua recursively, sorted, without fixtures/, lib/\n"
	  "and folders that start with _ or a dot.\n"
	  "  --format FORMAT  human (the default); tap: KTAP; json: an object a line, as it\n"
	  "                   happens; junit: XML\n"
	  "  -f PATTERN       only tests whose name matches the Lua pattern\n"
	  "  --fail-fast      stop after the first failure\n"
	  "  --rerun-failed   only what failed when it last ran; without a FILE: all of that\n"
	  "  --repeat N       run all of it N times\n"
	  "  --mem SIZE       memory that the VMs of all runners may have, instead of what\n"
	  "                   the machine has free; or PROVIUM_MEM\n"
	  "  --cpus N         and processors, instead of no limit; or PROVIUM_CPUS\n"
	  "  --verdict BASE   for make: BASE.result, BASE.d, and BASE.ok after a pass;\n"
	  "                   the exit status then says only whether they were written\n"
	  "  --progress FILE  for make: what its runners tell each other (see plan)\n"
	  "Exit status: 0 all passed; 1 a test failed; 2 usage or configuration;\n"
	  "3 broken infrastructure.\n" },
	{ "exec", cmd_exec, "exec [--memory SIZE] [--cpus N] [--timeout T] PROFILE CMD",
	  "Boots the profile and runs CMD there with /bin/sh; what it says is shown as it\n"
	  "comes, its exit status is ours.  SIZE: 512M, 2G.  T: 30, 90s, 20m; a day, if not given\n" },
	{ "fixture", cmd_fixture, "fixture build|list|clean [NAME]",
	  "Fixtures: booted VMs in files, from which tests get their clones.\n"
	  "  build [-v] NAME     tests/fixtures/NAME.lua (or a path), unless it is current;\n"
	  "                      -v says why.  --stamp FILE: for make, with FILE.d\n"
	  "  list [NAME]         name, key, size, age, what they were made from\n"
	  "  clean [NAME]        removes them\n" },
	{ "accel", cmd_accel, "accel PROFILE",
	  "Says which accelerator the profile is run on, and why; probes if need be.\n" },
	{ "doctor", cmd_doctor, "doctor [PROFILE]",
	  "Says what this machine offers, what will be used and why, and what to do about what\n"
	  "is missing.  Probes anew.  Exit status 3: no test can run.\n" },
	{ "plan", cmd_plan, "plan [--all] [--input INPUT]... FILE BASE...",
	  "For make: begins the FILE of `test --progress`.  Those of the BASEs are to be\n"
	  "run that have no verdict, or one older than what it was made from or an INPUT.\n" },
	{ "summary", cmd_summary, "summary [--since FILE] [--report DIR] [--fail-fast] BASE...",
	  "For make: sums up the results of `test --verdict BASE`.  A result older than\n"
	  "FILE counts as reused.  DIR gets results.tap, junit.xml and results.jsonl.\n"
	  "  --fail-fast      what did not run is not missing\n" },
	{ "order", cmd_order, "order FILE BASE...",
	  "For make: writes a makefile with ORDER, the BASEs that took longest first.\n" },
	{ "gate", cmd_gate, "gate",
	  "Shows which runners of this user hold memory for VMs, and which wait for it.\n" },
	{ "settle", cmd_settle, "settle BASE FILE STATUS",
	  "For make, after `test --verdict BASE FILE` has ended with that status: gives back\n"
	  "what it had of make's slots, and records that it was killed.\n" },
	{ "protocol", cmd_protocol, "protocol",
	  "Prints the manual of the protocol between runner and agent.\n" },
	{ "version", cmd_version, "version", "Prints the version.\n" },
	{ NULL, NULL, NULL, NULL },
};

static int overview(FILE *to)
{
	fputs("usage: provium COMMAND [ARGUMENT...]\n", to);
	for (const struct command *c = commands; c->name; c++)
		fprintf(to, "  provium %s\n", c->usage);
	fputs("`provium COMMAND --help` says more.\n", to);
	return to == stdout ? 0 : EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return overview(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return overview(stdout);
	c = find(strcmp(argv[1], "--version") ? argv[1] : "version");
	if (!c) {
		fprintf(stderr, "provium: there is no command \"%s\"\n", argv[1]);
		return overview(stderr);
	}
	for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help"))
			return usage(c, stdout);
	return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status;

	if (interrupt_init())
		return EXIT_BROKEN;
	status = dispatch(argc, argv);
	fflush(NULL);
	if (status < 0) {
		/* Killed by a signal: say so to whoever waits for us. */
		signal(-status, SIG_DFL);
		raise(-status);
		return 128 - status;
	}
	return status;
}
