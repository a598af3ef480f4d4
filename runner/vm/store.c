// SPDX-License-Identifier: GPL-2.0-only
/* Where fixtures lie: finding, checking, putting there, throwing away. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/base/sparse.h"
#include "runner/vm/store.h"

#define KEEP 4				/* of each name */
#define FULL (16u << 20)

void image_init(struct image *img)
{
	*img = (struct image){ .ram_fd = -1, .state_fd = -1 };
}

void image_release(struct image *img)
{
	json_decref(img->meta);
	if (img->ram_fd >= 0)
		close(img->ram_fd);
	if (img->state_fd >= 0)
		close(img->state_fd);
	for (size_t i = 0; i < img->nr_layers; i++)
		if (img->layer_fds[i] >= 0)
			close(img->layer_fds[i]);
	free(img->layer_fds);
	image_init(img);
}

/* --- where --- */

static bool is_mine(const char *path)
{
	struct stat st;

	return stat(path, &st) ? errno == ENOENT : st.st_uid == geteuid();
}

static char *in_cache(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const char *out = files_home();
	char hex[HASH_HEX];
	struct hash h;

	hash_init(&h);
	hash_add(&h, out, strlen(out));
	hash_hex(&h, hex);
	if (cache && *cache)
		return xasprintf("%s/provium/fixtures-%.8s", cache, hex);
	return xasprintf("%s/.cache/provium/fixtures-%.8s", home ? home : "/tmp",
			 hex);
}

const char *store_path(void)
{
	static char *path;
	const char *env = getenv("PROVIUM_STORE");

	if (path)
		return path;
	path = env && *env ? xstrdup(env) : files_join(files_state(), "fixtures");
	if (!is_mine(path)) {
		free(path);
		path = in_cache();
	}
	files_mkdirs(path);
	return path;
}

static char *name_path(const char *name)
{
	return files_join(store_path(), name);
}

/* --- one fixture --- */

static int open_ram(const char *dir, const json_t *about)
{
	char *path = files_join(dir, "ram"), *id, hex[HASH_HEX];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	bool sound;

	free(path);
	if (fd < 0 || fstat(fd, &st))
		return fd;
	id = meta_identity(fd);
	sound = st.st_size == json_integer_value(json_object_get(about, "size")) &&
		(!strcmp(id, meta_text(about, "id")) ||
		 (!sparse_hash(fd, hex) && !strcmp(hex, meta_text(about, "hash"))));
	free(id);
	if (sound)
		return fd;
	close(fd);
	return -1;
}

static int open_layer(const char *dir, size_t i, const char *hash)
{
	char *path = xasprintf("%s/layer%zu", dir, i), hex[HASH_HEX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	if (fd >= 0 && (sparse_hash(fd, hex) || strcmp(hex, hash))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool open_layers(struct image *img, const char *dir)
{
	const json_t *list = json_object_get(img->meta, "layers"), *hash;
	bool ok = true;
	size_t i;

	img->nr_layers = json_array_size(list);
	img->layer_fds = xcalloc(img->nr_layers + 1, sizeof(int));
	json_array_foreach(list, i, hash) {
		const char *hex = json_string_value(hash);

		img->layer_fds[i] = hex && *hex ? open_layer(dir, i, hex) : -1;
		ok &= !hex || !*hex || img->layer_fds[i] >= 0;
	}
	return ok;
}

static bool read_state(struct image *img, const char *dir)
{
	char *path = files_join(dir, "state"), hex[HASH_HEX];
	struct buf state = { 0 };
	bool ok = !buf_read_file(&state, path);
	struct hash h;

	free(path);
	hash_init(&h);
	hash_add(&h, state.p, state.len);
	hash_hex(&h, hex);
	ok = ok && state.len && !strcmp(hex, meta_text(img->meta, "state"));
	if (ok)
		img->state_fd = memfd_create("state", MFD_CLOEXEC);
	/* Memory takes all of it at once. */
	ok = ok && write(img->state_fd, state.p, state.len) == (ssize_t)state.len;
	buf_release(&state);
	return ok;
}

/* The meta in dir, if it agrees with itself and with the folder's name. */
static json_t *read_meta(const char *dir)
{
	char *path = files_join(dir, "meta"), hex[HASH_HEX];
	json_t *meta = json_load_file(path, 0, NULL);

	free(path);
	meta_key(meta, hex);
	if (meta && !strcmp(hex, meta_text(meta, "key")) &&
	    !strcmp(hex, strrchr(dir, '/') + 1))
		return meta;
	json_decref(meta);
	return NULL;
}

/* What is damaged, or NULL; img is filled then. */
static const char *open_image(struct image *img, const char *dir)
{
	const json_t *ram = json_object_get(img->meta, "ram");

	if (!read_state(img, dir))
		return "state";
	img->ram_fd = open_ram(dir, ram);
	if (img->ram_fd < 0)
		return "ram";
	return open_layers(img, dir) ? NULL : "a disk's layer";
}

/* --- all of a name --- */

struct entry {
	struct timespec when;		/* of its last use */
	char *dir;
};

struct entries {
	struct entry *v;
	size_t n;
};

static int newest_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->when.tv_sec != y->when.tv_sec)
		return x->when.tv_sec < y->when.tv_sec ? 1 : -1;
	return x->when.tv_nsec < y->when.tv_nsec ? 1 :
	       x->when.tv_nsec > y->when.tv_nsec ? -1 : 0;
}

/* Folders named by a key, the one used last first. */
static struct entries list_keys(const char *name)
{
	char *path = name_path(name);
	struct entries e = { 0 };
	DIR *dir = opendir(path);
	struct dirent *ent;
	struct stat st;

	while (dir && (ent = readdir(dir))) {
		char *sub = files_join(path, ent->d_name);

		if (strlen(ent->d_name) != HASH_HEX - 1 || stat(sub, &st) ||
		    !S_ISDIR(st.st_mode)) {
			free(sub);
			continue;
		}
		e.v = realloc(e.v, (e.n + 1) * sizeof(*e.v));
		if (!e.v)
			abort();
		e.v[e.n].when = st.st_mtim;
		e.v[e.n++].dir = sub;
	}
	if (dir)
		closedir(dir);
	if (e.n)
		qsort(e.v, e.n, sizeof(*e.v), newest_first);
	free(path);
	return e;
}

static void entries_release(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i].dir);
	free(e->v);
}

static bool parents_are_current(const json_t *meta, char *why, size_t cap);

static bool is_current(const json_t *meta, const char *name, const char *script,
		       char *why, size_t cap)
{
	return meta_is_current(meta, name, script, why, cap) &&
	       parents_are_current(meta, why, cap);
}

/* Is there a current one of that key?  Damage is its own builder's concern. */
static bool has_key(const json_t *parent, char *why, size_t cap)
{
	char *name = name_path(meta_text(parent, "name"));
	char *dir = files_join(name, meta_text(parent, "key"));
	json_t *meta = read_meta(dir);
	char own[512] = "it is gone";
	bool ok = meta && is_current(meta, meta_text(parent, "name"),
				     meta_text(parent, "script"), own, sizeof(own));

	if (!ok)
		snprintf(why, cap, "fixture %s: %s", meta_text(parent, "name"), own);
	json_decref(meta);
	free(dir);
	free(name);
	return ok;
}

static bool parents_are_current(const json_t *meta, char *why, size_t cap)
{
	const json_t *parent;
	size_t i;

	json_array_foreach(json_object_get(meta, "parents"), i, parent)
		if (!has_key(parent, why, cap))
			return false;
	return true;
}

/* 1: it is the one; 0: not, why says the reason, or warning the damage. */
static int try_one(const char *name, const char *script, const char *dir,
		   struct image *img, struct buf *why, struct buf *warning)
{
	const char *damaged = "meta";
	char reason[1024];

	img->meta = read_meta(dir);
	if (img->meta && !is_current(img->meta, name, script, reason,
				     sizeof(reason))) {
		if (!why->len)
			buf_addf(why, "%s", reason);
		return 0;
	}
	if (img->meta)
		damaged = open_image(img, dir);
	if (!damaged)
		return 1;
	buf_addf(warning, "fixture %s: %s/%s is damaged: it is not used, and built again\n",
		 name, dir, damaged);
	return 0;
}

int store_find(const char *name, const char *script, struct image *img,
	       struct buf *why, struct buf *warning)
{
	struct entries e = list_keys(name);
	int ret = 0;

	image_init(img);
	for (size_t i = 0; !ret && i < e.n; i++) {
		ret = try_one(name, script, e.v[i].dir, img, why, warning);
		if (ret)	/* used just now: the last to be dropped */
			utimensat(AT_FDCWD, e.v[i].dir, NULL, 0);
		else
			image_release(img);
	}
	if (!ret && !why->len)
		buf_addf(why, "%s", warning->len ? "what there was is damaged" :
			 "there is none");
	entries_release(&e);
	return ret;
}

/* --- writing --- */

/* A folder and the files in it. */
static int remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *ent;

	while (dir && (ent = readdir(dir)))
		unlinkat(dirfd(dir), ent->d_name, 0);
	if (dir)
		closedir(dir);
	return rmdir(path) ? -errno : 0;
}

/* ".new.…" and ".old.…", of builders that were killed. */
static void remove_leftovers(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *ent;

	while (dir && (ent = readdir(dir))) {
		char *sub = files_join(path, ent->d_name);

		if (!strncmp(ent->d_name, ".new.", 5) ||
		    !strncmp(ent->d_name, ".old.", 5))
			remove_folder(sub);
		free(sub);
	}
	if (dir)
		closedir(dir);
}

static int open_lock(const char *path)
{
	char *lock = files_join(path, ".lock");
	int ret = files_mkdirs(path), fd;

	fd = ret ? ret : open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	free(lock);
	return fd < 0 && !ret ? -errno : fd;
}

/* Whoever cleans up removes the lock, too: is it still the one that others take? */
static bool is_in_place(int fd, const char *path)
{
	char *lock = files_join(path, ".lock");
	struct stat a, b;
	bool same = !fstat(fd, &a) && !stat(lock, &b) && a.st_ino == b.st_ino;

	free(lock);
	return same;
}

/* A lock of the process (fcntl(2)): the kernel tells whose it is. */
static int lock_file(int fd, void (*waits_for)(pid_t))
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET }, other = lock;
	int ret;

	if (!fcntl(fd, F_SETLK, &lock))
		return 0;
	if (waits_for && !fcntl(fd, F_GETLK, &other) && other.l_type != F_UNLCK)
		waits_for(other.l_pid);
	while ((ret = fcntl(fd, F_SETLKW, &lock)) && errno == EINTR &&
	       !interrupt_pending())
		;
	ret = ret ? -errno : 0;
	if (waits_for)
		waits_for(0);
	return ret;
}

/* Opens and takes it: the descriptor, or -errno. */
static int take_lock(const char *path, void (*waits_for)(pid_t))
{
	int fd, ret;

	for (;;) {
		fd = open_lock(path);
		if (fd < 0)
			return fd;
		ret = lock_file(fd, waits_for);
		if (!ret && is_in_place(fd, path))
			return fd;
		close(fd);
		if (ret)
			return ret;
	}
}

int store_lock(const char *name, void (*waits_for)(pid_t), struct err *err)
{
	char *path = name_path(name);
	int fd = take_lock(path, waits_for), ret = fd < 0 ? fd : 0;

	if (ret)
		err_set(err, ret == -EINTR ? ERR_INTERRUPTED : ERR_BROKEN, ret,
			"fixture %s: lock in %s: %s", name, path, strerror(-ret));
	else
		remove_leftovers(path);
	free(path);
	return ret ? ret : fd;
}

/* The oldest that are too many. */
static void evict(const char *name)
{
	struct entries e = list_keys(name);

	for (size_t i = KEEP; i < e.n; i++) {
		char *old = xasprintf("%s/../.old.%d", e.v[i].dir, getpid());

		/* Renamed first: half of a fixture is none. */
		if (!rename(e.v[i].dir, old))
			remove_folder(old);
		free(old);
	}
	entries_release(&e);
}

static int put_ram(json_t *meta, const char *dir, int fd, struct err *err)
{
	char *path = files_join(dir, "ram"), *id, hex[HASH_HEX];
	int ret = sparse_hash(fd, hex), named;
	struct stat st;

	if (ret)
		ret = err_set(err, ERR_BROKEN, ret, "%s: %s", path, strerror(-ret));
	else
		ret = sparse_link(fd, path, err);
	named = ret ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (ret || named < 0 || fstat(named, &st))
		return ret ? ret : -errno;
	id = meta_identity(named);
	json_object_set_new(meta, "ram", json_pack(
		"{s:s, s:I, s:s}", "hash", hex, "size", (json_int_t)st.st_size,
		"id", id));
	free(id);
	close(named);
	return 0;
}

static int put_layers(json_t *meta, const char *dir, const int *fds, size_t nr,
		      struct err *err)
{
	json_t *list = json_array();
	int ret = 0;

	json_object_set_new(meta, "layers", list);
	for (size_t i = 0; !ret && i < nr; i++) {
		char *path = xasprintf("%s/layer%zu", dir, i);
		char hex[HASH_HEX] = "";

		if (fds[i] >= 0)
			ret = sparse_link(fds[i], path, err);
		if (!ret && fds[i] >= 0) {
			fchmod(fds[i], 0444);
			ret = sparse_hash(fds[i], hex);
		}
		json_array_append_new(list, json_string(hex));
		free(path);
	}
	return ret;
}

static int put_file(const char *dir, const char *name, const void *p, size_t n,
		    struct err *err)
{
	char *path = files_join(dir, name);
	int ret = files_write(path, p, n, err);

	chmod(path, 0444);
	free(path);
	return ret;
}

static int put_all(json_t *meta, const char *dir, int ram_fd, const int *layer_fds,
		   size_t nr_layers, const struct buf *state, struct err *err)
{
	char hex[HASH_HEX], *text = NULL;
	struct hash h;
	int ret = put_ram(meta, dir, ram_fd, err);

	hash_init(&h);
	hash_add(&h, state->p, state->len);
	hash_hex(&h, hex);
	json_object_set_new(meta, "state", json_string(hex));
	json_object_set_new(meta, "built", json_integer(time(NULL)));
	if (!ret)
		ret = put_layers(meta, dir, layer_fds, nr_layers, err);
	if (!ret)
		ret = put_file(dir, "state", state->p, state->len, err);
	if (!ret)
		text = json_dumps(meta, JSON_INDENT(1));
	if (!ret)
		ret = put_file(dir, "meta", text, strlen(text), err);
	free(text);
	return ret;
}

int store_commit(json_t *meta, int ram_fd, const int *layer_fds, size_t nr_layers,
		 const struct buf *state, struct err *err)
{
	char *path = name_path(meta_text(meta, "name"));
	char *dir = files_join(path, meta_text(meta, "key"));
	char *new = xasprintf("%s/.new.%d", path, getpid());
	char *old = xasprintf("%s/.old.%d", path, getpid());
	int ret = mkdir(new, 0755) ? err_set(err, ERR_BROKEN, -errno, "%s: %s",
					     new, strerror(errno)) :
		put_all(meta, new, ram_fd, layer_fds, nr_layers, state, err);

	/* One of that key that is there is damaged, or it would have been found. */
	if (!ret && !rename(dir, old))
		remove_folder(old);
	if (!ret && rename(new, dir))
		ret = err_set(err, ERR_BROKEN, -errno, "%s: %s", dir,
			      strerror(errno));
	if (ret)
		remove_folder(new);
	else
		evict(meta_text(meta, "name"));
	free(old);
	free(new);
	free(dir);
	free(path);
	return ret;
}

bool store_is_full(void)
{
	struct statvfs st;

	return !statvfs(store_path(), &st) &&
	       (uint64_t)st.f_bavail * st.f_frsize < FULL;
}

/* --- list and clean --- */

static json_int_t bytes_on_disk(const char *path)
{
	DIR *dir = opendir(path);
	json_int_t bytes = 0;
	struct dirent *ent;
	struct stat st;

	while (dir && (ent = readdir(dir)))
		if (*ent->d_name != '.' && !fstatat(dirfd(dir), ent->d_name, &st, 0))
			bytes += st.st_blocks * 512;
	if (dir)
		closedir(dir);
	return bytes;
}

static void list_name(json_t *list, const char *name)
{
	struct entries e = list_keys(name);

	for (size_t i = 0; i < e.n; i++) {
		json_t *meta = read_meta(e.v[i].dir);
		struct image img;
		char why[1024] = "";
		const char *damaged = "meta";
		bool current = meta && is_current(meta, name,
			meta_text(meta, "script"), why, sizeof(why));

		image_init(&img);
		img.meta = json_incref(meta);
		if (meta)
			damaged = open_image(&img, e.v[i].dir);
		if (damaged)
			snprintf(why, sizeof(why), "%s is damaged", damaged);
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:I, s:b, s:s, s:o}", "name", name,
			"key", strrchr(e.v[i].dir, '/') + 1,
			"bytes", bytes_on_disk(e.v[i].dir),
			"current", (int)(current && !damaged), "why", why,
			"meta", meta ? meta : json_object()));
		image_release(&img);
	}
	entries_release(&e);
}

json_t *store_list(const char *name)
{
	json_t *list = json_array();
	struct dirent **names;
	int n;

	if (name) {
		list_name(list, name);
		return list;
	}
	n = scandir(store_path(), &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (*names[i]->d_name != '.')
			list_name(list, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return list;
}

static int clean_name(const char *name, struct err *err)
{
	int lock = store_lock(name, NULL, err), n;
	char *path = name_path(name);
	struct entries e;

	if (lock < 0) {
		free(path);
		return lock;
	}
	e = list_keys(name);
	n = (int)e.n;
	for (size_t i = 0; i < e.n; i++)
		remove_folder(e.v[i].dir);
	entries_release(&e);
	remove_folder(path);
	close(lock);
	free(path);
	return n;
}

int store_clean(const char *name, struct err *err)
{
	struct dirent **names;
	int n, ret = 0;

	if (name)
		return clean_name(name, err);
	n = scandir(store_path(), &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		int one = *names[i]->d_name == '.' || ret < 0 ? 0 :
			clean_name(names[i]->d_name, err);

		ret = one < 0 ? one : ret + one;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return ret;
}
