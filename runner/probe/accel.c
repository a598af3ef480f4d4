// SPDX-License-Identifier: GPL-2.0-only
/* The accelerator probe: one bounded boot, its result cached. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/probe/accel.h"

#define KVM_PROBE_TIMEOUT 8.0		/* seconds; a working KVM needs a twentieth */
/* A boot with vsock takes as long as one with a serial port; times so much. */
#define VSOCK_PROBE_FACTOR 3
#define TCG_PROBE_TIMEOUT 30.0
/* With KVM that works it takes a fifth of that. */
#define KVM_SLOW 1.5
/* A boot that takes this long is what the time limits were written for. */
#define REFERENCE_BOOT 0.4
#define TSC_SPAN_NS 10000000
#define TSC_LOOKS 16

/* Of a machine that boots in so many seconds. */
static double slowness_of(double seconds)
{
	return seconds > REFERENCE_BOOT ? seconds / REFERENCE_BOOT : 1;
}

/* One moment on both clocks: of several looks the one that nothing came between. */
static void read_clocks(int64_t *ns, uint64_t *tsc)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TSC_LOOKS; i++) {
		uint64_t before = __rdtsc();
		int64_t now = clock_ns();
		uint64_t took = __rdtsc() - before;

		if (took >= best)
			continue;
		best = took;
		*tsc = before + took / 2;
		*ns = now;
	}
}

/* The host's TSC against its monotonic clock. */
static uint32_t measure_tsc_khz(void)
{
	int64_t start = 0, end = 0;
	uint64_t first = 0, last = 0;

	read_clocks(&start, &first);
	while (clock_ns() - start < TSC_SPAN_NS)
		;
	read_clocks(&end, &last);
	return (uint32_t)((double)(last - first) * 1e6 / (double)(end - start));
}

/* Boots on `kind`; seconds to hello, or a negative number with err filled. */
static double try_boot(const char *profile, const char *kind, const char *link,
		       uint32_t tsc_khz, double timeout, struct err *err)
{
	struct accel accel = { .slowness = 1, .tsc_khz = tsc_khz };
	struct vm_opts opts = {
		.memory = 256u << 20, .cpus = 1, .timeout = timeout,
	};
	double seconds = -1;
	struct vm vm;

	snprintf(accel.kind, sizeof(accel.kind), "%s", kind);
	snprintf(accel.link, sizeof(accel.link), "%s", link);
	if (!vm_create(&vm, profile, err) && !vm_boot(&vm, &opts, &accel, err))
		seconds = (double)(vm.ready_ns - vm.start_ns) / 1e9;
	vm_release(&vm);
	return seconds;
}

/*
 * What went wrong, on one line: without "boot NAME: ", without the console, and
 * with no more than the first line of what QEMU said.
 */
static void one_line(char *to, size_t cap, const char *prefix, const struct err *err)
{
	const char *text = err->text;
	const char *end = text + (err->console_at ? err->console_at : strlen(text));
	const char *start = strncmp(text, "boot ", 5) ? NULL : strstr(text, ": ");
	size_t used = (size_t)snprintf(to, cap, "%s", prefix);
	unsigned int lines = 0;

	for (const char *at = start ? start + 2 : text; at < end && used + 1 < cap; at++) {
		if (*at == '\n' && lines++)
			break;
		if ((*at != ' ' && *at != '\n') || to[used - 1] != ' ')
			to[used++] = *at == '\n' ? ' ' : *at;
	}
	to[used] = 0;
}

/* $PROVIUM_PROBE: seconds, for a KVM that is known to be slow (mk/lab.mk). */
static double kvm_timeout(void)
{
	const char *said = getenv("PROVIUM_PROBE");
	double seconds = said ? strtod(said, NULL) : 0;

	return seconds > 0 ? seconds : KVM_PROBE_TIMEOUT;
}

/* Why KVM cannot be used, or "" after a boot that took *seconds. */
static void probe_kvm(const char *profile, uint32_t tsc_khz, char *reason,
		      size_t cap, double *seconds)
{
	struct err err;
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	*seconds = -1;
	if (fd < 0) {
		snprintf(reason, cap, errno == ENOENT ? "no /dev/kvm" :
			 "/dev/kvm: %s", strerror(errno));
		return;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version < 0) {
		snprintf(reason, cap, "/dev/kvm is not KVM: %s", strerror(errno));
		return;
	}
	*seconds = try_boot(profile, "kvm", "serial", tsc_khz, kvm_timeout(), &err);
	*reason = 0;
	if (*seconds < 0)
		one_line(reason, cap, "kvm probe failed: ", &err);
}

/*
 * KVM has booted, in *seconds.  Where that took long (nested, or all but hanging)
 * emulation may be the faster one: true, and *seconds is what it takes.
 */
static bool tcg_is_faster(const char *profile, struct accel *accel, double *seconds)
{
	struct err err;
	double tcg;

	if (*seconds < KVM_SLOW)
		return false;
	tcg = try_boot(profile, "tcg", "serial", accel->tsc_khz, *seconds, &err);
	if (tcg < 0 || tcg >= *seconds)
		return false;
	snprintf(accel->reason, sizeof(accel->reason),
		 "kvm probe booted in %.2f s, tcg in %.2f s", *seconds, tcg);
	*seconds = tcg;
	return true;
}

/* Sets kind and reason; seconds to hello, or less than 0: it did not boot. */
static double probe_kind(const char *profile, const char *want, struct accel *accel)
{
	double seconds = -1;
	struct err err = { 0 };

	snprintf(accel->kind, sizeof(accel->kind), "tcg");
	snprintf(accel->reason, sizeof(accel->reason), "ACCEL=tcg");
	if (strcmp(want, "tcg"))
		probe_kvm(profile, accel->tsc_khz, accel->reason,
			  sizeof(accel->reason), &seconds);
	if (seconds >= 0) {
		if (!strcmp(want, "auto") && tcg_is_faster(profile, accel, &seconds))
			return seconds;
		snprintf(accel->kind, sizeof(accel->kind), "kvm");
		snprintf(accel->reason, sizeof(accel->reason),
			 "kvm probe booted in %.2f s", seconds);
	} else if (strcmp(want, "kvm")) {
		seconds = try_boot(profile, "tcg", "serial", accel->tsc_khz,
				   TCG_PROBE_TIMEOUT, &err);
	}
	if (seconds < 0 && err.kind)
		one_line(accel->link_reason, sizeof(accel->link_reason),
			 "nothing boots; on tcg: ", &err);
	return seconds;
}

/*
 * vsock, if this machine has it and the profile's kernel answers on it; else the
 * serial port, and why.  seconds: what a boot takes with that.
 */
static void probe_link(const char *profile, const char *transport, double seconds,
		       struct accel *accel)
{
	struct err err;

	snprintf(accel->link, sizeof(accel->link), "serial");
	if (!strcmp(transport, "serial"))
		snprintf(accel->link_reason, sizeof(accel->link_reason),
			 "TRANSPORT=serial");
	else if (vsock_usable(&err))
		snprintf(accel->link_reason, sizeof(accel->link_reason), "%.200s",
			 err.text);
	else if (try_boot(profile, accel->kind, "vsock", accel->tsc_khz,
			  VSOCK_PROBE_FACTOR * seconds + 1, &err) < 0)
		one_line(accel->link_reason, sizeof(accel->link_reason),
			 "vsock probe failed: ", &err);
	else
		snprintf(accel->link, sizeof(accel->link), "vsock");
}

/* Where there is no choice one boot is enough, unless it fails: then it is asked why. */
static bool probe_both(const char *profile, const char *want, struct accel *accel)
{
	struct err err;
	double seconds = try_boot(profile, want, "vsock", accel->tsc_khz,
				  !strcmp(want, "kvm") ? kvm_timeout() : TCG_PROBE_TIMEOUT,
				  &err);

	if (seconds < 0)
		return false;
	snprintf(accel->kind, sizeof(accel->kind), "%s", want);
	snprintf(accel->link, sizeof(accel->link), "vsock");
	snprintf(accel->reason, sizeof(accel->reason), "%s probe booted in %.2f s",
		 want, seconds);
	accel->slowness = slowness_of(seconds);
	return true;
}

/*
 * True if the answer is worth keeping: something did boot, or it is known why what
 * was asked for does not.
 */
static bool probe(const char *profile, const char *want, const char *transport,
		  struct accel *accel)
{
	struct err err;
	double seconds;

	*accel = (struct accel){ .tsc_khz = measure_tsc_khz() };
	if (!strcmp(transport, "vsock") && strcmp(want, "auto") && !vsock_usable(&err) &&
	    probe_both(profile, want, accel))
		return true;
	seconds = probe_kind(profile, want, accel);
	accel->slowness = slowness_of(seconds);
	if (seconds >= 0)
		probe_link(profile, transport, seconds, accel);
	return seconds >= 0 || !strcmp(want, "kvm");
}

/* Everything that could change the answer. */
static char *cache_key(const char *profile, const char *want,
		       const char *transport, struct err *err)
{
	static const char *const devices[] = { "/dev/kvm", "/dev/vhost-vsock" };
	struct buf b = { 0 }, boot = { 0 };
	struct profile p;
	char *qemu, *id;

	if (profile_load(&p, profile, err))
		return NULL;
	qemu = files_in_path("qemu-system-x86_64");
	buf_read_file(&boot, "/proc/sys/kernel/random/boot_id");
	buf_addf(&b, "%s %s %s %s %s ", want, transport, p.machine, p.append,
		 p.cpu ? p.cpu : "");
	buf_add(&b, boot.p, boot.len);
	id = files_identity(p.kernel);
	buf_addf(&b, "%s\n", id);
	free(id);
	id = files_identity(qemu ? qemu : "qemu-system-x86_64");
	buf_addf(&b, "%s\n", id);
	free(id);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		id = files_identity(devices[i]);
		buf_addf(&b, "%s access %d\n", id, access(devices[i], R_OK | W_OK));
		free(id);
	}
	buf_addf(&b, "uid %d\n", (int)geteuid());
	free(qemu);
	buf_release(&boot);
	profile_release(&p);
	return buf_str(&b);
}

static int cache_load(const char *path, const char *key, struct accel *accel)
{
	json_t *all = json_load_file(path, 0, NULL);
	const char *k = json_string_value(json_object_get(all, "key"));
	const char *kind = json_string_value(json_object_get(all, "kind"));
	const char *reason = json_string_value(json_object_get(all, "reason"));
	const char *link = json_string_value(json_object_get(all, "link"));
	const char *link_reason = json_string_value(
		json_object_get(all, "link_reason"));
	int ret = -ENOENT;

	if (k && kind && reason && link && link_reason && !strcmp(k, key)) {
		*accel = (struct accel){
			.slowness = json_number_value(json_object_get(all, "slowness")),
			.tsc_khz = (uint32_t)json_integer_value(
				json_object_get(all, "tsc_khz")),
		};
		snprintf(accel->kind, sizeof(accel->kind), "%s", kind);
		snprintf(accel->reason, sizeof(accel->reason), "%s", reason);
		snprintf(accel->link, sizeof(accel->link), "%s", link);
		snprintf(accel->link_reason, sizeof(accel->link_reason), "%s",
			 link_reason);
		ret = accel->slowness >= 1 ? 0 : -ENOENT;
	}
	json_decref(all);
	return ret;
}

static void cache_store(const char *path, const char *key,
			const struct accel *accel)
{
	json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:i}", "key", key,
				"kind", accel->kind, "reason", accel->reason,
				"link", accel->link,
				"link_reason", accel->link_reason,
				"slowness", accel->slowness,
				"tsc_khz", (int)accel->tsc_khz);
	char *text = json_dumps(all, JSON_INDENT(1));
	struct err ignored;	/* no cache: the next run probes again */

	if (text)
		files_write(path, text, strlen(text), &ignored);
	free(text);
	json_decref(all);
}

static char *cache_path(const char *key)
{
	char *dir = files_join(files_state(), "accel"), *path;
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *at = key; *at; at++)
		h = (h ^ (uint8_t)*at) * 0x100000001b3u;
	files_mkdirs(dir);
	path = xasprintf("%s/%016" PRIx64 ".json", dir, h);
	free(dir);
	return path;
}

/* From the cache, or one probe at a time: the lock dies with its holder. */
static int choose_cached(const char *profile, const char *want,
			 const char *transport, const char *key,
			 struct accel *accel, struct err *err)
{
	char *path = cache_path(key), *lock = xasprintf("%s.lock", path);
	int fd;

	if (cache_load(path, key, accel)) {
		fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd >= 0)
			flock(fd, LOCK_EX);
		/* What a signal cut short is no answer. */
		if (cache_load(path, key, accel) &&
		    probe(profile, want, transport, accel) && !interrupt_pending())
			cache_store(path, key, accel);
		if (fd >= 0) {
			unlink(lock);
			close(fd);
		}
	}
	free(lock);
	free(path);
	return interrupt_pending() ? err_set(err, ERR_INTERRUPTED, -EINTR,
					     "interrupted") : 0;
}

static int check_env(const char *want, const char *transport, struct err *err)
{
	if (strcmp(want, "auto") && strcmp(want, "kvm") && strcmp(want, "tcg"))
		return err_set(err, ERR_USER, -EINVAL,
			       "ACCEL=%s; expected auto, kvm or tcg", want);
	if (strcmp(transport, "auto") && strcmp(transport, "vsock") &&
	    strcmp(transport, "serial"))
		return err_set(err, ERR_USER, -EINVAL,
			       "TRANSPORT=%s; expected auto, vsock or serial",
			       transport);
	return 0;
}

static const char *word(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : "auto";
}

/* What was asked for by name, and is not to be had, is not replaced in silence. */
static int check_wish(const char *want, const char *transport,
		      const struct accel *accel, struct err *err)
{
	if (!strcmp(want, "kvm") && strcmp(accel->kind, "kvm"))
		return err_set(err, ERR_BROKEN, -ENODEV, "ACCEL=kvm: %s",
			       accel->reason);
	if (!strcmp(transport, "vsock") && strcmp(accel->link, "vsock"))
		return err_set(err, ERR_BROKEN, -ENODEV, "TRANSPORT=vsock: %s",
			       accel->link_reason);
	return 0;
}

/*
 * $PROVIUM_BOOT: seconds that a boot takes here, from somebody who has probed: with both
 * kinds given nothing is left to be found out (mk/lab.mk).
 */
static bool is_known(const char *want, const char *transport, struct accel *accel)
{
	const char *said = getenv("PROVIUM_BOOT");
	double seconds = said ? strtod(said, NULL) : 0;

	if (seconds <= 0 || !strcmp(want, "auto") || !strcmp(transport, "auto"))
		return false;
	*accel = (struct accel){
		.tsc_khz = measure_tsc_khz(), .slowness = slowness_of(seconds),
	};
	snprintf(accel->kind, sizeof(accel->kind), "%s", want);
	snprintf(accel->link, sizeof(accel->link), "%s", transport);
	snprintf(accel->reason, sizeof(accel->reason), "PROVIUM_BOOT=%s", said);
	return true;
}

int accel_choose(const char *profile, struct accel *accel, struct err *err)
{
	const char *want = word("ACCEL"), *transport = word("TRANSPORT");
	int ret = check_env(want, transport, err);
	char *key;

	if (ret)
		return ret;
	key = cache_key(profile, want, transport, err);
	if (!key)
		return -ENOENT;
	if (!is_known(want, transport, accel))
		ret = choose_cached(profile, want, transport, key, accel, err);
	free(key);
	return ret ? ret : check_wish(want, transport, accel, err);
}

void accel_forget(const char *profile)
{
	struct err ignored;
	char *key = cache_key(profile, word("ACCEL"), word("TRANSPORT"), &ignored);
	char *path = key ? cache_path(key) : NULL;

	if (path)
		unlink(path);
	free(path);
	free(key);
}

void accel_line(const struct accel *accel, char *line, size_t cap)
{
	snprintf(line, cap, "accel %s%s: %s", accel->kind,
		 strcmp(accel->link, "vsock") ? "" : "/vsock", accel->reason);
}
