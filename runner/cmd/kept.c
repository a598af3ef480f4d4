// SPDX-License-Identifier: GPL-2.0-only
/* provium kept: the VMs that failed tests have left (--on-failure=keep). */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "runner/attach/client.h"
#include "runner/base/exit_status.h"
#include "runner/cmd/cmd.h"
#include "runner/report/record.h"

static long long number(const json_t *d, const char *key)
{
	return json_integer_value(json_object_get(d, key));
}

static void print_age(FILE *to, long long seconds)
{
	if (seconds < 120)
		fprintf(to, "%4lld s  ", seconds);
	else if (seconds < 7200)
		fprintf(to, "%4lld min", seconds / 60);
	else
		fprintf(to, "%4lld h  ", seconds / 3600);
}

static void print_kept(FILE *to, const json_t *d)
{
	fprintf(to, "%8d  %4lld MiB  ", client_id(d), number(d, "memory") >> 20);
	print_age(to, time(NULL) - number(d, "since"));
	fprintf(to, "  %s: %s (VM %lld, %s)\n", record_text(d, "file"), record_text(d, "test"),
		number(d, "vm"),
		json_is_true(json_object_get(d, "panicked")) ? "dead" : "stopped");
}

static void print_running(FILE *to, const json_t *d)
{
	char name[CLIENT_NAME_MAX];

	client_name(d, name);
	fprintf(to, "%12s  %4lld MiB  ", name, number(d, "memory") >> 20);
	if (number(d, "vm"))
		fprintf(to, "%s: %s (VM %lld)\n", record_text(d, "file"),
			record_text(d, "test"), number(d, "vm"));
	else
		fprintf(to, "a test that does not answer now\n");
}

/* Prints the VMs that run, or the kept ones. */
static void print_rows(FILE *to, const json_t *list, bool running)
{
	bool any = false;
	const json_t *d;
	size_t i;

	json_array_foreach(list, i, d) {
		if (client_runs(d) != running)
			continue;
		if (!any)
			fputs(running ? "VMs of tests that run:\n          ID    memory  test\n" :
			      "kept VMs:\n      ID    memory  age       test\n", to);
		any = true;
		(running ? print_running : print_kept)(to, d);
	}
}

int cmd_print_kept(FILE *to, bool even_if_none, struct err *err)
{
	json_t *list = client_list(err);

	if (!list)
		return EXIT_BROKEN;
	print_rows(to, list, false);
	if (even_if_none && !json_array_size(list))
		fprintf(to, "no VM is kept; provium test --on-failure=keep keeps those of failed tests\n");
	json_decref(list);
	return 0;
}

void cmd_print_vms(FILE *to, const json_t *list)
{
	print_rows(to, list, true);
	print_rows(to, list, false);
}

/* Ends the kept VM with that id (decimal digits); NULL: ends all kept VMs. */
static int end(const char *id, struct err *err)
{
	json_t *list = id ? json_pack("[o*]", client_find(id, err)) : client_list(err), *d;
	int ret = list ? 0 : -1;
	size_t i;

	json_array_foreach(list, i, d) {
		ret = client_end(client_id(d), err);
		if (ret)
			break;
		printf("ended the kept VM %d\n", client_id(d));
	}
	json_decref(list);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "end", no_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	bool ends = false;
	const char *id;
	struct err err = { 0 };
	int o, ret;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o != 'e')
			return cmd_usage(&cmd_kept);
		ends = true;
	}
	if (argc - optind > (ends ? 1 : 0))
		return cmd_usage_error(&cmd_kept, ends ? "--end: expected one ID" :
				       "expected no arguments");
	id = optind < argc && strcmp(argv[optind], "all") ? argv[optind] : NULL;
	ret = ends ? end(id, &err) : cmd_print_kept(stdout, true, &err);
	if (!err.kind)
		return ret;
	fprintf(stderr, "provium kept: %s\n", err.text);
	return err.kind == ERR_USER ? EXIT_USAGE : EXIT_BROKEN;
}

const struct command cmd_kept = {
	.name = "kept",
	.summary = "list or end the VMs that failed tests have left",
	.run = run,
	.usage =
"usage: provium kept [--end [ID|all]]\n",
	.help =
"Lists the VMs that provium test --on-failure=keep has kept: the ID, the memory\n"
"that is reserved, the time since the failure, the file and the test. A VM that\n"
"is stopped uses no processor time. `provium shell --attach ID` opens a shell in\n"
"it, `provium gdb --attach ID` starts gdb on it. ID is the pid of the process\n"
"that keeps the VM.\n"
"\n"
"A kept VM ends after a day ($PROVIUM_KEEP, such as 2h), when the output folder\n"
"out/ is removed, and with this command.\n"
"\n"
"Options:\n"
"  --end [ID|all]   end that VM, or all of them\n"
"\n"
"Exit status: 0; 2 wrong arguments, or there is no such VM; 3 broken\n"
"infrastructure.\n",
};
