/* SPDX-License-Identifier: GPL-2.0-only */
/* The duties of a guest's PID 1, and the links to the host. */
#ifndef AGENT_GUEST_BOOT_H
#define AGENT_GUEST_BOOT_H

#include <stdnoreturn.h>

/*
 * Mounts what the agent needs, and enters the profile's root and starts its
 * init, if the kernel's command line names them.  Returns in the process that
 * becomes the supervisor.  On failure prints to the console and ends PID 1.
 */
void boot_guest(void);
/* Opens the virtio-serial port: its descriptor, or -errno (-ENODEV: there is none). */
int boot_open_port(void);
/* Listens on a vsock port, on any CID: the descriptor, or -errno. */
int boot_listen_vsock(unsigned int port);
noreturn void boot_power_off(void);

#endif
