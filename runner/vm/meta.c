// SPDX-License-Identifier: GPL-2.0-only
/* What a fixture was made from, and whether that is still so; see meta.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/probe/accel.h"
#include "runner/vm/launch.h"
#include "runner/vm/meta.h"

#define QEMU "qemu-system-x86_64"

const char *meta_text(const json_t *meta, const char *key)
{
	const char *s = json_string_value(json_object_get(meta, key));

	return s ? s : "";
}

static char *identity(const struct stat *st)
{
	return xasprintf("%lld %lld.%09ld %lld.%09ld %llu", (long long)st->st_size,
			 (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			 (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
			 (unsigned long long)st->st_ino);
}

char *meta_identity(int fd)
{
	struct stat st = { 0 };

	fstat(fd, &st);
	return identity(&st);
}

/* --- the host --- */

/* What `qemu --version` says; asked once for each binary there is. */
static char *ask_qemu(void)
{
	struct buf b = { 0 };
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return xstrdup("");
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		execlp(QEMU, QEMU, "--version", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	buf_read_fd(&b, out[0]);
	close(out[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	buf_str(&b)[strcspn(buf_str(&b), "\n")] = 0;
	return buf_str(&b);
}

char *meta_qemu_version(void)
{
	char *path = files_in_path(QEMU), hex[HASH_HEX], *id, *cache;
	struct buf b = { 0 };
	struct err ignored;	/* no cache: it is asked again next time */
	struct hash h;

	id = files_identity(path ? path : QEMU);
	hash_init(&h);
	hash_add(&h, id, strlen(id));
	hash_hex(&h, hex);
	cache = xasprintf("%s/accel/qemu-%s", files_state(), hex);
	if (buf_read_file(&b, cache) || !b.len) {
		char *said = ask_qemu();

		buf_addf(&b, "%s", said);
		if (*said)
			files_write(cache, said, strlen(said), &ignored);
		free(said);
	}
	free(cache);
	free(id);
	free(path);
	return buf_str(&b);
}

/* What of the host's processor a guest sees: nothing under TCG. */
static void host_hash(const char *accel, char hex[HASH_HEX])
{
	struct buf b = { 0 };
	struct hash h;
	char *text, *line;

	hash_init(&h);
	if (!strcmp(accel, "kvm"))
		buf_read_file(&b, "/proc/cpuinfo");
	for (text = buf_str(&b); (line = strsep(&text, "\n")) && *line;)
		if (!strncmp(line, "model", 5) || !strncmp(line, "flags", 5))
			hash_add(&h, line, strlen(line));
	hash_hex(&h, hex);
	buf_release(&b);
}

/* --- inputs --- */

static json_t *input(const char *is, const char *path, int64_t started_ns,
		     struct err *err)
{
	char real[PATH_MAX], hex[HASH_HEX], *id;
	struct stat st;
	json_t *obj;
	int ret = 0;

	if (!realpath(path, real) || stat(real, &st))
		ret = -errno;
	else
		ret = hash_file(real, hex);
	if (ret) {
		err_set(err, ERR_BROKEN, ret, "%s: %s", path, strerror(-ret));
		return NULL;
	}
	if (st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec >
	    started_ns) {
		err_set(err, ERR_BROKEN, -EAGAIN,
			"%s changed while the fixture was made from it", path);
		return NULL;
	}
	id = identity(&st);
	obj = json_pack("{s:s, s:s, s:s, s:s}", "is", is, "path", real,
			"hash", hex, "id", id);
	free(id);
	return obj;
}

static int add_input(json_t *list, const char *is, const char *path,
		     int64_t started_ns, struct err *err)
{
	json_t *obj = input(is, path, started_ns, err), *other;
	size_t i;

	if (!obj)
		return -EIO;
	json_array_foreach(list, i, other)
		if (!strcmp(meta_text(other, "path"), meta_text(obj, "path"))) {
			json_decref(obj);
			return 0;
		}
	return json_array_append_new(list, obj);
}

static int add_inputs(json_t *list, const struct vm *vm,
		      const struct fixture_source *src, struct err *err)
{
	char *shim = files_join(files_home(), "initramfs/base.cpio");
	const struct profile *p = &vm->profile;
	int ret = add_input(list, "kernel", p->kernel, src->started_ns, err);
	json_t *path;
	size_t i;

	if (!ret)
		ret = add_input(list, "agent or initramfs", shim,
				src->started_ns, err);
	if (!ret && p->initrd)
		ret = add_input(list, "initrd", p->initrd, src->started_ns, err);
	if (!ret && p->rootfs)
		ret = add_input(list, "rootfs", p->rootfs, src->started_ns, err);
	json_array_foreach(src->inputs, i, path)
		if (!ret)
			ret = add_input(list, "", json_string_value(path),
					src->started_ns, err);
	free(shim);
	return ret;
}

/* --- making it --- */

static json_t *disks(const struct vm *vm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < vm->opts.nr_disks; i++) {
		const struct disk *d = &vm->opts.disks[i];

		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:b}", "path", d->path, "format", d->format,
			"readonly", (int)d->readonly));
	}
	return list;
}

static int describe(json_t *meta, const struct vm *vm, struct err *err)
{
	char *text = launch_describe(vm, err), hex[HASH_HEX];
	struct hash h;

	if (!text)
		return -EINVAL;
	hash_init(&h);
	hash_add(&h, text, strlen(text));
	hash_hex(&h, hex);
	free(text);
	return json_object_set_new(meta, "args", json_string(hex));
}

json_t *meta_make(const struct vm *vm, const struct fixture_source *src,
		  struct err *err)
{
	char protocol[24], host[HASH_HEX], key[HASH_HEX], *qemu = meta_qemu_version();
	json_t *inputs = json_array(), *meta;

	host_hash(vm->accel.kind, host);
	snprintf(protocol, sizeof(protocol), "%016" PRIx64, wire_fingerprint());
	meta = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:i, s:s, s:o, s:s, s:o, s:O}",
			 "format", META_FORMAT, "name", src->name,
			 "script", src->script, "profile", vm->profile.name,
			 "accel", vm->accel.kind, "host", host,
			 "tsc_khz", (json_int_t)vm->accel.tsc_khz, "qemu", qemu,
			 "protocol", protocol,
			 "memory", (json_int_t)vm->opts.memory,
			 "cpus", (int)vm->opts.cpus,
			 "append", vm->opts.append ? vm->opts.append : "",
			 "disks", disks(vm), "release", vm->release,
			 "inputs", inputs, "parents", src->parents);
	free(qemu);
	if (describe(meta, vm, err) || add_inputs(inputs, vm, src, err)) {
		json_decref(meta);
		return NULL;
	}
	meta_key(meta, key);
	json_object_set_new(meta, "key", json_string(key));
	return meta;
}

static void hash_text(struct hash *h, const char *s)
{
	hash_add(h, s, strlen(s) + 1);
}

void meta_key(const json_t *meta, char hex[HASH_HEX])
{
	static const char *const fields[] = {
		"name", "script", "profile", "accel", "host", "qemu",
		"protocol", "args",
	};
	json_int_t format = json_integer_value(json_object_get(meta, "format"));
	json_t *item;
	struct hash h;
	size_t i;

	hash_init(&h);
	hash_add(&h, &format, sizeof(format));
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		hash_text(&h, meta_text(meta, fields[i]));
	json_array_foreach(json_object_get(meta, "inputs"), i, item) {
		hash_text(&h, meta_text(item, "path"));
		hash_text(&h, meta_text(item, "hash"));
	}
	json_array_foreach(json_object_get(meta, "parents"), i, item)
		hash_text(&h, meta_text(item, "key"));
	hash_hex(&h, hex);
}

/* --- reading it --- */

int meta_shape(const json_t *meta, struct vm *vm, struct err *err)
{
	const json_t *list = json_object_get(meta, "disks"), *item;
	struct vm_opts *o = &vm->opts;
	size_t i;

	if (accel_choose(vm->profile.name, &vm->accel, err))
		return -ENODEV;
	/* The guest counts with the frequency it was told when it booted. */
	vm->accel.tsc_khz = (uint32_t)json_integer_value(
		json_object_get(meta, "tsc_khz"));
	vm_opts_release(o);
	o->memory = (uint64_t)json_integer_value(json_object_get(meta, "memory"));
	o->cpus = (unsigned int)json_integer_value(json_object_get(meta, "cpus"));
	o->append = xstrdup(meta_text(meta, "append"));
	o->disks = xcalloc(json_array_size(list) + 1, sizeof(*o->disks));
	json_array_foreach(list, i, item) {
		o->disks[i].path = xstrdup(meta_text(item, "path"));
		o->disks[i].format = xstrdup(meta_text(item, "format"));
		o->disks[i].readonly = json_is_true(
			json_object_get(item, "readonly"));
		o->nr_disks++;
	}
	snprintf(vm->release, sizeof(vm->release), "%s", meta_text(meta, "release"));
	return 0;
}

/* As a person names it: relative to here if below. */
static const char *short_path(const char *path)
{
	char here[PATH_MAX];
	size_t n;

	if (!getcwd(here, sizeof(here)))
		return path;
	n = strlen(here);
	return !strncmp(path, here, n) && path[n] == '/' ? path + n + 1 : path;
}

static bool input_is_current(const json_t *item, char *why, size_t cap)
{
	const char *path = meta_text(item, "path"), *is = meta_text(item, "is");
	char hex[HASH_HEX], *id;
	struct stat st;
	bool same;

	if (stat(path, &st)) {
		snprintf(why, cap, "%s is gone", short_path(path));
		return false;
	}
	id = identity(&st);
	same = !strcmp(id, meta_text(item, "id")) ||
	       (!hash_file(path, hex) && !strcmp(hex, meta_text(item, "hash")));
	free(id);
	if (!same)
		snprintf(why, cap, "%s changed", *is ? is : short_path(path));
	return same;
}

/* The kernel and so on have to be the same files, too. */
static bool has_input(const json_t *meta, const char *path)
{
	const json_t *item;
	char real[PATH_MAX];
	size_t i;

	if (!path || !realpath(path, real))
		return !path;
	json_array_foreach(json_object_get(meta, "inputs"), i, item)
		if (!strcmp(meta_text(item, "path"), real))
			return true;
	return false;
}

static bool machine_is_current(const json_t *meta, struct vm *vm, char *why,
			       size_t cap)
{
	json_int_t then = json_integer_value(json_object_get(meta, "tsc_khz"));
	json_t *now = json_object();
	struct accel accel;
	struct err err;
	char host[HASH_HEX];
	bool ok = false;

	if (accel_choose(vm->profile.name, &accel, &err) ||
	    meta_shape(meta, vm, &err) || describe(now, vm, &err)) {
		snprintf(why, cap, "%s", err.text);
		json_decref(now);
		return false;
	}
	host_hash(accel.kind, host);
	if (strcmp(accel.kind, meta_text(meta, "accel")))
		snprintf(why, cap, "accelerator changed");
	else if (strcmp(host, meta_text(meta, "host")))
		snprintf(why, cap, "processor changed");
	/* Measured anew each time: a thousandth is noise. */
	else if (llabs(then - (json_int_t)accel.tsc_khz) > then / 1000)
		snprintf(why, cap, "the TSC's frequency changed");
	else if (strcmp(meta_text(now, "args"), meta_text(meta, "args")))
		snprintf(why, cap, "QEMU's or the kernel's arguments changed");
	else if (!has_input(meta, vm->profile.kernel) ||
		 !has_input(meta, vm->profile.initrd) ||
		 !has_input(meta, vm->profile.rootfs))
		snprintf(why, cap, "profile %s changed", vm->profile.name);
	else
		ok = true;
	json_decref(now);
	return ok;
}

static bool words_are_current(const json_t *meta, const char *name,
			      const char *script, char *why, size_t cap)
{
	char protocol[24], *qemu = meta_qemu_version();

	snprintf(protocol, sizeof(protocol), "%016" PRIx64, wire_fingerprint());
	*why = 0;
	if (json_integer_value(json_object_get(meta, "format")) != META_FORMAT ||
	    strcmp(meta_text(meta, "protocol"), protocol))
		snprintf(why, cap, "the runner changed");
	else if (strcmp(meta_text(meta, "name"), name) ||
		 strcmp(meta_text(meta, "script"), script))
		snprintf(why, cap, "made from another script, %s",
			 meta_text(meta, "script"));
	else if (strcmp(meta_text(meta, "qemu"), qemu))
		snprintf(why, cap, "QEMU changed (it was %s)",
			 meta_text(meta, "qemu"));
	free(qemu);
	return !*why;
}

bool meta_is_current(const json_t *meta, const char *name, const char *script,
		     char *why, size_t cap)
{
	const json_t *item;
	struct err err;
	struct vm vm;
	bool ok = true;
	size_t i;

	if (!words_are_current(meta, name, script, why, cap))
		return false;
	json_array_foreach(json_object_get(meta, "inputs"), i, item)
		if (ok && !input_is_current(item, why, cap))
			ok = false;
	if (!ok)
		return false;
	if (vm_create(&vm, meta_text(meta, "profile"), &err)) {
		snprintf(why, cap, "%s", err.text);
		return false;
	}
	ok = machine_is_current(meta, &vm, why, cap);
	vm_release(&vm);
	return ok;
}
