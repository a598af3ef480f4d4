// SPDX-License-Identifier: GPL-2.0-only
/* Draws the row that is overwritten; see live_line.h. */
#include <stdbool.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/base/text.h"
#include "runner/base/tty.h"
#include "runner/make/status_line.h"
#include "runner/run/live_line.h"

static bool shown;			/* the cursor is at the beginning of the row */
static bool in_line;			/* the last line printed has no end yet */

void live_print(const char *p, size_t n)
{
	struct buf b = { 0 };

	if (!n)
		return;
	if (shown)
		status_line_remove(&b);
	buf_add(&b, p, n);
	shown = false;
	in_line = p[n - 1] != '\n';
	files_write_all(STDOUT_FILENO, b.p, b.len);
	buf_release(&b);
}

void live_draw(const char *text)
{
	struct buf b = { 0 };

	if (in_line || tcgetpgrp(STDOUT_FILENO) != getpgrp())
		return;
	/* A resize may have made two rows of it, so both are removed. */
	status_line_remove(&b);
	text_fit(&b, text, tty_usable_columns());
	buf_addf(&b, "\r");
	shown = true;
	files_write_all(STDOUT_FILENO, b.p, b.len);
	buf_release(&b);
}

void live_end(void)
{
	if (in_line)
		live_print("\n", 1);
	else
		live_draw("");
}
