/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs of a test that outlive the process of its file, as after
 * os.execute() when the file's process is stopped.
 */
#ifndef RUNNER_RUN_LEFTOVERS_H
#define RUNNER_RUN_LEFTOVERS_H

/*
 * From here on, processes below this one whose parent ends become children of
 * this one, as PR_SET_CHILD_SUBREAPER of prctl(2) describes.
 */
void leftovers_adopt(void);
/* From here on leftovers_end() leaves this child alone. */
void leftovers_spare(int pid);
/*
 * Kills all children of this process and their descendants, and waits for them.
 * Does nothing on a kernel without /proc/PID/task/TID/children
 * (CONFIG_PROC_CHILDREN).
 */
void leftovers_end(void);

#endif
