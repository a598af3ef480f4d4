/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drivers that the kernel has as modules, such as virtio_pci in a
 * distribution's kernel.  mk/drivers.sh puts them into the initramfs:
 *
 *	/.provium/drivers/list	a module a line, in the order of loading:
 *				"load FILE", or "missing NAME" for a module that
 *				the kernel's module tree does not have
 *	/.provium/drivers/FILE	the module
 */
#ifndef AGENT_GUEST_DRIVERS_H
#define AGENT_GUEST_DRIVERS_H

#include <stddef.h>

/*
 * Loads all drivers of the list.  A driver that cannot be loaded is reported on
 * the console and left out.  Does nothing if there is no list.
 */
void drivers_load(void);
/* Writes into text why the virtio-serial port is not there. */
void drivers_explain(char *text, size_t cap);

#endif
