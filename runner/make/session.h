/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This runner's part in a session: the runners of one make tell each other what
 * they do (session_file.h) and share the terminal.
 *
 * A runner prints only while it holds the lock of the session's file, so that
 * the output of two runners is never mixed.  On a terminal it removes the
 * status line before it prints, and draws it anew afterwards.
 */
#ifndef RUNNER_MAKE_SESSION_H
#define RUNNER_MAKE_SESSION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Joins the session in the file: this process and its children run the test
 * BASE.  Without a session, session_wait() and session_end() only print.
 */
void session_join(const char *file, const char *base);
/*
 * Tells the other runners of the session that this runner begins or ends a wait
 * at the gate.  To be passed to gate_on_wait().
 */
void session_wait(bool begins);
/*
 * Tells the other runners that this runner's file has ended with the verdict
 * ("": the file was interrupted), and prints the text.
 */
void session_end(const char *verdict, const char *text, size_t n);

/*
 * Does this process show a status line?  Then call session_tick() each second.
 */
bool session_has_status_line(void);
/*
 * Draws the status line.  Only the runner that started first does so; if it is
 * the only one that runs, the line has what its file is doing.
 */
void session_tick(const char *doing);

/* Has a test file failed since the session began? */
bool session_has_failure(const char *file);

#endif
