// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends the built modules, and the kernel's own, to a guest that asks for them,
 * for its modprobe.
 * Without such a request, no module is sent.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/vm/internal.h"

#define PIECE (32u << 10)		/* bytes in a request to the supervisor */
/*
 * Most bytes of the kernel's own modules that are sent: a guest keeps them in
 * memory.  The modules of a distribution's kernel have more.
 */
#define KERNEL_MODULES_MAX (64u << 20)

static struct buf sent;			/* the paths of the modules sent, each with a line end */

const char *vm_sent_modules(void)
{
	return buf_str(&sent);
}

static void note_sent(const char *path)
{
	char *line = xasprintf("%s\n", path);

	if (!strstr(buf_str(&sent), line))
		buf_add(&sent, line, strlen(line));
	free(line);
}

static int is_module(const struct dirent *entry)
{
	const char *at = strstr(entry->d_name, ".ko");

	return at && (!at[3] || at[3] == '.');
}

/*
 * Sends a piece of a file and forgets the call: its answer is dropped when it
 * comes.
 */
static int send_piece(struct vm *vm, const char *name, uint64_t offset,
		      const void *p, size_t n)
{
	const struct wire_op_desc *op = wire_op_by_number(WIRE_OP_put_module);
	struct wire_write_req req = {
		.path = { name, (uint32_t)strlen(name) }, .offset = offset,
		.data = { p, (uint32_t)n },
	};
	static uint8_t raw[PIECE + 1024];
	struct vm_call *call;
	struct err ignored;

	call = vm_submit(vm, WIRE_SUPERVISOR, WIRE_REQUEST, op, raw,
			 wire_encode(op->req, &req, raw, sizeof(raw)), &ignored);
	if (!call)
		return -ENOTCONN;
	vm_call_free(vm, call);
	return 0;
}

static void send_file(struct vm *vm, const char *folder, const char *name)
{
	char *path = files_join(folder, name);
	struct buf data = { 0 };
	size_t at = 0;
	int ret = buf_read_file(&data, path);

	while (!ret && at < data.len) {
		size_t n = data.len - at < PIECE ? data.len - at : PIECE;

		ret = send_piece(vm, name, at, data.p + at, n);
		at += n;
	}
	note_sent(path);
	buf_release(&data);
	free(path);
}

/* Returns the number of bytes of the modules in the folder. */
static uint64_t folder_size(const char *folder)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_module, alphasort);
	uint64_t size = 0;
	struct stat st;

	for (int i = 0; i < n; i++) {
		char *path = files_join(folder, entries[i]->d_name);

		if (!stat(path, &st))
			size += (uint64_t)st.st_size;
		free(path);
		free(entries[i]);
	}
	free(entries);
	return size;
}

static bool exists(const char *folder, const char *name)
{
	char *path = files_join(folder, name);
	bool found = !access(path, F_OK);

	free(path);
	return found;
}

/*
 * Sends the modules of a folder that are not in the folder `before`.  NULL: no
 * folder.
 */
static void send_folder(struct vm *vm, const char *folder, const char *before)
{
	struct dirent **entries = NULL;
	int n = folder ? scandir(folder, &entries, is_module, alphasort) : 0;

	for (int i = 0; i < n; i++) {
		if (!before || !exists(before, entries[i]->d_name))
			send_file(vm, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

void vm_send_modules(struct vm *vm)
{
	const struct profile *p = &vm->machine.profile;

	send_folder(vm, p->modules, NULL);
	if (p->kernel_modules && folder_size(p->kernel_modules) <= KERNEL_MODULES_MAX)
		send_folder(vm, p->kernel_modules, p->modules);
	send_piece(vm, ".complete", 0, "\n", 1);
	vm->link.wants_modules = false;
}
