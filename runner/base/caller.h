/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder in which the user typed the command, for messages that the user
 * pastes there.
 */
#ifndef RUNNER_BASE_CALLER_H
#define RUNNER_BASE_CALLER_H

/*
 * The folder in which make was started ($PROVIUM_CALLER, which make sets if it
 * is not the kit's, as after "make -C KIT"), else the working directory.
 * Static.  The first call removes the variable from the environment.
 */
const char *caller_folder(void);
/*
 * Returns the path, which is valid in the working directory, as it has to be
 * written in caller_folder().  Caller frees.
 */
char *caller_path(const char *path);
/*
 * Returns the command that runs the kit's make from caller_folder(): "make" or
 * "make -C KIT".  Static.
 */
const char *caller_make(void);

#endif
