// SPDX-License-Identifier: GPL-2.0-only
/* What the commands share: usage messages, numbers, the budget. */
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "runner/base/caller.h"
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/cmd/cmd.h"
#include "runner/gate/gate.h"

#define MAX_CPUS 65535

int cmd_help(const struct command *c)
{
	printf("%s\n%s", c->usage, c->help);
	return 0;
}

int cmd_usage(const struct command *c)
{
	fprintf(stderr, "%s`provium %s --help` explains the arguments.\n", c->usage, c->name);
	return EXIT_USAGE;
}

int cmd_usage_error(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "provium %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return cmd_usage(c);
}

void cmd_end_with_make(void)
{
	if (getenv("MAKELEVEL"))
		prctl(PR_SET_PDEATHSIG, SIGTERM);
}

int cmd_check_gdb(const struct command *c)
{
	char *path = files_in_path("gdb");
	bool found = path;

	free(path);
	if (found)
		return 0;
	fprintf(stderr, "provium %s: there is no gdb; install the package gdb "
		"(%s deps-dev does it on Debian and Ubuntu)\n", c->name, caller_make());
	return EXIT_USAGE;
}

unsigned int cmd_number(const char *text, unsigned int max)
{
	uint64_t n = 0;

	if (strspn(text, "0123456789") != strlen(text))
		return 0;
	for (; *text && n <= max; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	return n <= max ? (unsigned int)n : 0;
}

/*
 * Converts "512M", "2G" or a plain number to bytes; 0 if the text is not a
 * size.
 */
static uint64_t size_of(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);
	const char *unit = strchr("KMG", *end);
	int shift = !*end ? 0 : *end == 'K' ? 10 : *end == 'M' ? 20 : 30;

	if (end == text || !unit || (*end && end[1]) || n > UINT64_MAX >> shift)
		return 0;
	return n << shift;
}

/*
 * Returns the value of an option of the command line, or else that of the
 * environment variable; NULL if neither is set.
 */
static const char *budget_setting(const char *option, const char *variable)
{
	const char *value;

	if (option)
		setenv(variable, option, 1);
	value = getenv(variable);
	return value && *value ? value : NULL;
}

int cmd_set_budget(const struct command *c, const char *mem_option, const char *cpus_option)
{
	const char *mem = budget_setting(mem_option, "PROVIUM_MEM");
	const char *cpus = budget_setting(cpus_option, "PROVIUM_CPUS");
	uint64_t bytes = mem ? size_of(mem) : 0;
	unsigned int nr_cpus = cpus ? cmd_number(cpus, MAX_CPUS) : 0;

	if (mem && !bytes)
		return cmd_usage_error(c, "%s%s: expected a size such as 512M or 2G",
				       mem_option ? "--mem " : "PROVIUM_MEM=", mem);
	if (cpus && !nr_cpus)
		return cmd_usage_error(c, "%s%s: expected a number from 1 to %d",
				       cpus_option ? "--cpus " : "PROVIUM_CPUS=", cpus,
				       MAX_CPUS);
	gate_set_budget(bytes, nr_cpus);
	return 0;
}
