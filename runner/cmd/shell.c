// SPDX-License-Identifier: GPL-2.0-only
/* provium shell: an interactive shell in a clone. */
#include <getopt.h>

#include "runner/attach/client.h"
#include "runner/base/exit_status.h"
#include "runner/base/interrupt.h"
#include "runner/base/tty.h"
#include "runner/cmd/cmd.h"
#include "runner/report/record.h"

static void greet(const json_t *d)
{
	if (client_runs(d))
		fprintf(stderr, "shell in VM %lld of %s, which runs%s%s; `exit` or Ctrl-] q leaves it\n",
			json_integer_value(json_object_get(d, "vm")), record_text(d, "file"),
			*record_text(d, "test") ? ": " : "", record_text(d, "test"));
	else
		fprintf(stderr, "shell in the VM kept of the test \"%s\"; the guest runs while a shell is open; "
			"`exit` or Ctrl-] q leaves it\n",
			record_text(d, "test"));
}

/* Opens a shell in a VM that is kept or runs. */
static int attach(const char *name)
{
	struct err err = { 0 };
	json_t *list = client_list_any(&err);
	const json_t *d = list ? client_choose(list, name, &err) : NULL;
	int code = 0, ret = -1;
	bool left = false;

	if (d) {
		greet(d);
		ret = client_shell(d, &code, &left, &err);
	}
	if (left)
		fprintf(stderr, "\nprovium shell: left by Ctrl-] q\n");
	if (ret && err.kind != ERR_INTERRUPTED)
		fprintf(stderr, "provium shell: %s\n", err.text);
	if (!d && err.kind == ERR_USER)
		cmd_print_vms(stderr, list);
	json_decref(list);
	if (interrupt_pending())
		return -interrupt_pending();
	return !ret ? code : err.kind == ERR_USER ? EXIT_USAGE : EXIT_BROKEN;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "fixture", required_argument, NULL, 'f' },
		{ "attach", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	bool attaches = false;
	char *name = NULL;
	int o, ret;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o == 'f')
			name = optarg;
		else if (o == 'a')
			attaches = true;
		else
			return cmd_usage(&cmd_shell);
	}
	if (argc - optind > (name ? 0 : 1))
		return cmd_usage_error(&cmd_shell, "expected one fixture or profile");
	if (optind < argc)
		name = argv[optind];
	if (!tty_on_stdin()) {
		fputs("provium shell: stdin is not a terminal, which an interactive shell needs; "
		      "to run one command: provium exec PROFILE COMMAND\n", stderr);
		return EXIT_USAGE;
	}
	if (attaches)
		return attach(name);
	ret = cmd_set_budget(&cmd_shell, NULL, NULL);
	return ret ? ret : cmd_run_module("provium.shell", 1, &name);
}

const struct command cmd_shell = {
	.name = "shell",
	.summary = "open an interactive shell in a new VM",
	.run = run,
	.usage =
"usage: provium shell [FIXTURE|PROFILE]\n"
"   or: provium shell --attach [ID]\n",
	.help =
"Resumes a clone of the fixture, or of the profile's own fixture, and connects\n"
"your terminal to a shell in it. The default is the profile in use (PROFILE=,\n"
"or minimal). A fixture is looked up in fixtures/ and tests/fixtures/ of this\n"
"folder and of those above it, or given as the path of its script; it is built\n"
"if it is missing or out of date.\n"
"\n"
"Every key goes to the guest: Ctrl-C and Ctrl-Z act on its programs. `exit` ends\n"
"the shell and the VM; nothing of it is kept. Two more keys are for the host:\n"
"  Ctrl-] q         ends the VM at once, also when it does not answer\n"
"  Ctrl-] Ctrl-]    sends one Ctrl-] to the guest\n"
"\n"
"Options:\n"
"  --fixture NAME   the same as NAME\n"
"  --attach [ID]    open the shell in a VM of a test that runs, or in a kept one\n"
"                   (provium kept), which runs while a shell is open in it, and\n"
"                   is stopped afterwards. Without ID it is the only VM there is,\n"
"                   or the VMs are listed\n"
"\n"
"Exit status: that of the shell, or 128 plus the number of the signal that\n"
"killed it; 2 wrong arguments or no terminal, 3 broken infrastructure (the\n"
"guest died, too).\n"
"\n"
"Examples:\n"
"  provium shell\n"
"  provium shell ringdev\n",
};
