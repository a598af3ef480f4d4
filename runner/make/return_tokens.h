/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Returns the job tokens of a killed runner to make.
 *
 * A runner keeps account of the job tokens that it has taken from make in a
 * file beside its results.  make must not see the end of a job before the
 * tokens are back; so `provium make-test`, which has started the runner,
 * returns them after a SIGKILL.
 */
#ifndef RUNNER_MAKE_RETURN_TOKENS_H
#define RUNNER_MAKE_RETURN_TOKENS_H

/*
 * Returns the path of the account for `provium test --verdict BASE`.  Caller
 * frees.
 */
char *return_tokens_account(const char *base);

/*
 * To be called after `provium test --verdict BASE PATH` has ended with status
 * (not 0; 128 + N after signal N, as in a shell): returns its job tokens, and
 * removes its folder for a launched runner (launch_folder.h).  If a
 * signal other than SIGHUP, SIGINT or SIGTERM killed it, also writes a result
 * with the verdict BROKEN.  Returns the exit status for make: 0 if that result
 * was written, else status, or EXIT_BROKEN after an error.
 */
int return_tokens(const char *base, const char *path, int status);

#endif
