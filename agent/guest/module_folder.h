/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder /lib/modules/RELEASE, in which modprobe looks.  It is empty until
 * a program asks for it: /sbin/modprobe (initramfs/fetch-modules) sends SIGUSR1
 * to PID 1, the supervisor asks the runner, and the runner sends the modules
 * that were built for this kernel.
 */
#ifndef AGENT_GUEST_MODULE_FOLDER_H
#define AGENT_GUEST_MODULE_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Tells modprobe that PID 1 takes its signal from now on.  A modprobe that the
 * kernel runs before that, while PID 1 mounts file systems, must not wait.
 */
void module_folder_announce(void);
/*
 * Writes a piece of the file `name` in the folder.  Offset 0 creates and
 * truncates the file.  0 or -errno.
 */
int module_folder_write(const char *name, uint64_t offset, const void *p, size_t n);

#endif
