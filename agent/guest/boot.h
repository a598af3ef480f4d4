/* SPDX-License-Identifier: GPL-2.0-only */
/* The duties of a guest's PID 1, and the links to the host. */
#ifndef AGENT_GUEST_BOOT_H
#define AGENT_GUEST_BOOT_H

#include <stdnoreturn.h>

/*
 * Ends PID 1 with a last message on the console.  The kernel then panics, and
 * the message becomes the runner's death report.
 */
noreturn __attribute__((format(printf, 1, 2))) void boot_give_up(const char *fmt, ...);
/*
 * Mounts the file systems that the agent needs, and loads the drivers of
 * drivers.h.  If the kernel's command line names them, enters the profile's
 * root and starts its init.  Returns in the process that becomes the
 * supervisor.  On failure gives up.
 */
void boot_guest(void);
/*
 * Opens the virtio-serial port.  Returns its descriptor, or -errno (-ENODEV:
 * there is none).
 */
int boot_open_port(void);
/* Listens on a vsock port, on any CID.  Returns the descriptor, or -errno. */
int boot_listen_vsock(unsigned int port);
noreturn void boot_power_off(void);

#endif
