// SPDX-License-Identifier: GPL-2.0-only
/* What a user can type next after a failure. */
#include <string.h>

#include "runner/report/advice.h"

static void set_word(struct advice *a, const char *word)
{
	snprintf(a->word, sizeof(a->word), "%s", word);
}

/* The kind of a complaint tells more than BROKEN, and the first one most. */
static void note(struct advice *a, const json_t *item)
{
	const json_t *complaint = json_array_get(json_object_get(item, "complaints"), 0);
	bool is_open = !*a->word || !strcmp(a->word, "BROKEN");

	if (!item || !item_failed(item) || !is_open)
		return;
	if (*record_text(complaint, "kind"))
		set_word(a, record_text(complaint, "kind"));
	else if (!strcmp(record_text(item, "verdict"), "BROKEN"))
		set_word(a, "BROKEN");
}

void advice_note(struct advice *a, const json_t *record)
{
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		note(a, test);
	note(a, json_object_get(record, "error"));
}

void advice_add(const struct advice *a, struct buf *to)
{
	struct buf command = { 0 };

	record_add_command(&command);
	buf_addf(to, "a shell in their VMs: %s test --rerun-failed --on-failure=shell\n",
		 buf_str(&command));
	buf_addf(to, "gdb on them, also after a panic: %s test --rerun-failed --on-failure=gdb\n",
		 buf_str(&command));
	if (*a->word)
		buf_addf(to, "what %s means: %s explain %s\n", a->word, buf_str(&command), a->word);
	buf_release(&command);
}
