// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the initramfs of one boot.
 *
 * The kernel unpacks concatenated archives one after the other
 * (Documentation/driver-api/early-userspace/buffer-format.rst), and later files
 * replace earlier ones.  So the user's files come after the shim.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/caller.h"
#include "runner/base/files.h"
#include "runner/machine/initrd.h"

static int append_fd(int out, int in, const char *name, struct err *err)
{
	static const char zeros[512];
	struct stat st;
	off_t at = 0;
	ssize_t n = 1;
	int ret;

	if (fstat(in, &st))
		st.st_size = 0;
	while (at < st.st_size && n > 0)
		n = sendfile(out, in, &at, (size_t)(st.st_size - at));
	if (n <= 0)
		return err_set(err, ERR_BROKEN, -EIO, "cannot copy %s: %s",
			       name, n ? strerror(errno) : "the file was truncated meanwhile");
	ret = files_write_all(out, zeros, (size_t)(512 - st.st_size % 512));
	return ret ? err_set(err, ERR_BROKEN, ret, "initramfs: %s",
			     strerror(-ret)) : 0;
}

static int append_file(int out, const char *path, struct err *err)
{
	int in = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (in < 0)
		return err_set(err, ERR_USER, -errno, "cannot open the initramfs %s: %s%s", path,
			       strerror(errno), err_limit_advice(errno));
	ret = append_fd(out, in, path, err);
	close(in);
	return ret;
}

/*
 * Adds the folders above the guest path to the list of what the archive
 * contains, because the kernel does not create missing folders.
 */
static void list_dirs(struct buf *list, const char *guest)
{
	for (const char *at = strchr(guest + 1, '/'); at; at = strchr(at + 1, '/'))
		buf_addf(list, "dir %.*s 0755 0 0\n", (int)(at - guest), guest);
}

static int refuse(struct err *err, const char *path, const char *why)
{
	return err_set(err, ERR_USER, -EINVAL, "files: %s: %s", path, why);
}

/* Adds a line to the list for a symbolic link, which is not followed. */
static int list_link(struct buf *list, const struct boot_file *f, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(f->host, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = 0;
	if (n <= 0 || strpbrk(target, " \t\n"))
		return refuse(err, f->host, n < 0 ? strerror(errno) :
			      "expected a link to a path without blanks");
	buf_addf(list, "slink %s %s 0777 0 0\n", f->guest, target);
	return 0;
}

/*
 * Adds a line to the list for a regular file.  A host path may contain blanks:
 * then *fd is opened, and the line names the descriptor.
 */
static int list_regular(struct buf *list, const struct boot_file *f, mode_t mode, int *fd,
			struct err *err)
{
	if (access(f->host, R_OK))
		return refuse(err, f->host, strerror(errno));
	if (strpbrk(f->host, " \t\n"))
		*fd = open(f->host, O_RDONLY);
	buf_addf(list, "file %s ", f->guest);
	if (*fd >= 0)
		buf_addf(list, "/proc/self/fd/%d", *fd);
	else
		buf_addf(list, "%s", f->host);
	buf_addf(list, " %04o 0 0\n", mode & 07777);
	return 0;
}

/* Adds a line to the list that gen_init_cpio reads. */
static int list_file(struct buf *list, const struct boot_file *f, int *fd,
		     struct err *err)
{
	struct stat st;

	if (*f->guest != '/' || strpbrk(f->guest, " \t\n"))
		return err_set(err, ERR_USER, -EINVAL,
			       "files: guest path \"%s\": expected an absolute path without blanks",
			       f->guest);
	if (f->in_folder ? lstat(f->host, &st) : stat(f->host, &st))
		return refuse(err, f->host, strerror(errno));
	list_dirs(list, f->guest);
	if (S_ISLNK(st.st_mode))
		return list_link(list, f, err);
	if (S_ISREG(st.st_mode))
		return list_regular(list, f, st.st_mode, fd, err);
	if (!S_ISDIR(st.st_mode))
		return refuse(err, f->host, "expected a regular file, a folder or a link");
	buf_addf(list, "dir %s %04o 0 0\n", f->guest, st.st_mode & 07777);
	return 0;
}

/*
 * Runs gen_init_cpio on the list, with the archive as its output.
 */
static int run_gen(int out, const struct buf *list, struct err *err)
{
	char *tool = files_join(files_home(), "bin/gen_init_cpio");
	int in = memfd_create("list", 0), status = 0, ret;
	pid_t pid;

	ret = in < 0 ? -errno : files_write_all(in, list->p, list->len);
	if (ret)
		return err_set(err, ERR_BROKEN, ret, "gen_init_cpio: %s",
			       strerror(-ret));
	lseek(in, 0, SEEK_SET);
	pid = fork();
	if (!pid) {
		dup2(in, 0);
		dup2(out, 1);
		execl(tool, tool, "-", (char *)NULL);
		_exit(127);
	}
	close(in);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || status)
		err_set(err, ERR_BROKEN, -EIO, "%s failed (wait status 0x%x)", tool,
			status);
	free(tool);
	return pid < 0 || status ? -EIO : 0;
}

static int append_boot_files(int out, const struct vm_opts *opts, struct err *err)
{
	int *fds = xcalloc(opts->nr_files, sizeof(*fds)), ret = 0;
	int part = memfd_create("files", MFD_CLOEXEC);
	struct buf list = { 0 };

	for (size_t i = 0; i < opts->nr_files; i++)
		fds[i] = -1;
	for (size_t i = 0; !ret && i < opts->nr_files; i++)
		ret = list_file(&list, &opts->files[i], &fds[i], err);
	if (!ret)
		ret = run_gen(part, &list, err);
	if (!ret)
		ret = append_fd(out, part, "boot files", err);
	for (size_t i = 0; i < opts->nr_files; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (part >= 0)
		close(part);
	free(fds);
	buf_release(&list);
	return ret;
}

int initrd_open(const struct profile *profile, const struct vm_opts *opts,
		int *fd, char *path, size_t cap, struct err *err)
{
	char *shim = files_join(files_home(), "initramfs/base.cpio");
	bool own = profile->initrd && strcmp(profile->initrd, shim);
	int ret = 0;

	*fd = -1;
	snprintf(path, cap, "%s", shim);
	if (access(shim, R_OK))
		ret = err_set(err, ERR_BROKEN, -ENOENT,
			      "the agent's initramfs %s: %s (run %s)", shim,
			      strerror(errno), caller_make());
	if (!ret && (own || opts->nr_files)) {
		*fd = memfd_create("initramfs", MFD_CLOEXEC);
		snprintf(path, cap, "/proc/self/fd/%d", *fd);
		ret = append_file(*fd, shim, err);
		if (!ret && own)
			ret = append_file(*fd, profile->initrd, err);
		if (!ret && opts->nr_files)
			ret = append_boot_files(*fd, opts, err);
	}
	free(shim);
	if (ret && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return ret;
}
