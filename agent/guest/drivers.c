// SPDX-License-Identifier: GPL-2.0-only
/* Loads the drivers that the kernel needs to reach the host. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/guest/drivers.h"

#define FOLDER "/.provium/drivers/"

/*
 * Reads the next line of the list of drivers (drivers.h): a word and a name.
 * Returns 1, or 0 at the end of the list.
 */
static int next_line(FILE *list, char word[16], char name[128])
{
	return fscanf(list, "%15s %127s", word, name) == 2;
}

static char failure[192];		/* the first driver that could not be loaded */

static void load(const char *file)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), FOLDER "%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)) {
		dprintf(2, "provium agent: driver %s: %s\n", file, strerror(errno));
		if (!*failure)
			snprintf(failure, sizeof(failure), "the driver %s cannot be loaded: %s",
				 file, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
}

void drivers_load(void)
{
	FILE *list = fopen(FOLDER "list", "re");
	char word[16], name[128];

	while (list && next_line(list, word, name))
		if (!strcmp(word, "load"))
			load(name);
	if (list)
		fclose(list);
}

/* Returns true if the list says that the module tree lacks the driver. */
static bool is_missing(const char *name)
{
	FILE *list = fopen(FOLDER "list", "re");
	char word[16], entry[128];
	bool found = false;

	while (list && !found && next_line(list, word, entry))
		found = !strcmp(word, "missing") && !strcmp(entry, name);
	if (list)
		fclose(list);
	return found;
}

static void explain_absence(const char *name, char *text, size_t cap)
{
	snprintf(text, cap, "this kernel has no driver %s%s", name, is_missing(name) ?
		 ", neither built in nor in its module tree" :
		 "; if it is a module, boot the kernel with make KERNEL=FILE KDIR=DIR, which loads it");
}

void drivers_explain(char *text, size_t cap)
{
	if (*failure)
		snprintf(text, cap, "%s", failure);
	else if (access("/sys/bus/virtio/drivers/virtio_console", F_OK))
		explain_absence("virtio_console", text, cap);
	else if (access("/sys/bus/pci/drivers/virtio-pci", F_OK) &&
		 access("/sys/bus/platform/drivers/virtio-mmio", F_OK))
		explain_absence("virtio_pci", text, cap);
	else
		snprintf(text, cap, "the kernel sees no virtio-serial device: on microvm it needs VIRTIO_MMIO_CMDLINE_DEVICES; q35 needs VIRTIO_PCI");
}
