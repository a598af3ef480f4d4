// SPDX-License-Identifier: GPL-2.0-only
/* The accelerator probe: one bounded boot, its result cached. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "runner/base/deadline.h"
#include "runner/base/files.h"
#include "runner/base/hash.h"
#include "runner/base/interrupt.h"
#include "runner/machine/profile.h"
#include "runner/probe/accel.h"
#include "runner/vm/vm.h"

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
static double try_boot(const char *profile, enum accel_kind kind,
		       enum transport transport, uint32_t tsc_khz, double timeout,
		       struct err *err)
{
	struct accel accel = {
		.kind = kind, .transport = transport, .slowness = 1,
		.tsc_khz = tsc_khz,
	};
	struct vm_opts opts = {
		.memory = 256u << 20, .cpus = 1, .timeout = timeout,
	};
	double seconds = -1;
	struct vm vm;

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
	*seconds = try_boot(profile, ACCEL_KVM, TRANSPORT_SERIAL, tsc_khz, kvm_timeout(), &err);
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
	tcg = try_boot(profile, ACCEL_TCG, TRANSPORT_SERIAL, accel->tsc_khz, *seconds, &err);
	if (tcg < 0 || tcg >= *seconds)
		return false;
	snprintf(accel->reason, sizeof(accel->reason),
		 "kvm probe booted in %.2f s, tcg in %.2f s", *seconds, tcg);
	*seconds = tcg;
	return true;
}

/* Sets kind and reason; seconds to hello, or less than 0: it did not boot. */
static double probe_kind(const char *profile, enum accel_kind want, struct accel *accel)
{
	double seconds = -1;
	struct err err = { 0 };

	accel->kind = ACCEL_TCG;
	snprintf(accel->reason, sizeof(accel->reason), "ACCEL=tcg");
	if (want != ACCEL_TCG)
		probe_kvm(profile, accel->tsc_khz, accel->reason,
			  sizeof(accel->reason), &seconds);
	if (seconds >= 0) {
		if (want == ACCEL_UNSET && tcg_is_faster(profile, accel, &seconds))
			return seconds;
		accel->kind = ACCEL_KVM;
		snprintf(accel->reason, sizeof(accel->reason),
			 "kvm probe booted in %.2f s", seconds);
	} else if (want != ACCEL_KVM) {
		seconds = try_boot(profile, ACCEL_TCG, TRANSPORT_SERIAL, accel->tsc_khz,
				   TCG_PROBE_TIMEOUT, &err);
	}
	if (seconds < 0 && err.kind)
		one_line(accel->transport_reason, sizeof(accel->transport_reason),
			 "nothing boots; on tcg: ", &err);
	return seconds;
}

/*
 * vsock, if this machine has it and the profile's kernel answers on it; else the
 * serial port, and why.  seconds: what a boot takes with that.
 */
static void probe_transport(const char *profile, enum transport want, double seconds,
		       struct accel *accel)
{
	struct err err;

	accel->transport = TRANSPORT_SERIAL;
	if (want == TRANSPORT_SERIAL)
		snprintf(accel->transport_reason, sizeof(accel->transport_reason),
			 "TRANSPORT=serial");
	else if (vsock_usable(&err))
		snprintf(accel->transport_reason, sizeof(accel->transport_reason), "%.200s",
			 err.text);
	else if (try_boot(profile, accel->kind, TRANSPORT_VSOCK, accel->tsc_khz,
			  VSOCK_PROBE_FACTOR * seconds + 1, &err) < 0)
		one_line(accel->transport_reason, sizeof(accel->transport_reason),
			 "vsock probe failed: ", &err);
	else
		accel->transport = TRANSPORT_VSOCK;
}

/* Where there is no choice one boot is enough, unless it fails: then it is asked why. */
static bool probe_both(const char *profile, enum accel_kind want, struct accel *accel)
{
	struct err err;
	double seconds = try_boot(profile, want, TRANSPORT_VSOCK, accel->tsc_khz,
				  want == ACCEL_KVM ? kvm_timeout() : TCG_PROBE_TIMEOUT,
				  &err);

	if (seconds < 0)
		return false;
	accel->kind = want;
	accel->transport = TRANSPORT_VSOCK;
	snprintf(accel->reason, sizeof(accel->reason), "%s probe booted in %.2f s",
		 accel_kind_name(want), seconds);
	accel->slowness = slowness_of(seconds);
	return true;
}

/*
 * True if the answer is worth keeping: something did boot, or it is known why what
 * was asked for does not.
 */
static bool probe(const char *profile, enum accel_kind want,
		  enum transport transport, struct accel *accel)
{
	struct err err;
	double seconds;

	*accel = (struct accel){ .tsc_khz = measure_tsc_khz() };
	if (transport == TRANSPORT_VSOCK && want != ACCEL_UNSET && !vsock_usable(&err) &&
	    probe_both(profile, want, accel))
		return true;
	seconds = probe_kind(profile, want, accel);
	accel->slowness = slowness_of(seconds);
	if (seconds >= 0)
		probe_transport(profile, transport, seconds, accel);
	return seconds >= 0 || want == ACCEL_KVM;
}

/* Everything that could change the answer. */
static char *cache_key(const char *profile, enum accel_kind want,
		       enum transport transport, struct err *err)
{
	static const char *const devices[] = { "/dev/kvm", "/dev/vhost-vsock" };
	struct buf b = { 0 }, boot = { 0 };
	struct profile p;
	char *qemu, *id;

	if (profile_load(&p, profile, err))
		return NULL;
	qemu = files_in_path("qemu-system-x86_64");
	buf_read_file(&boot, "/proc/sys/kernel/random/boot_id");
	buf_addf(&b, "%s %s %s %s %s ", accel_kind_name(want),
		 transport_name(transport), p.machine, p.append,
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
	const char *transport = json_string_value(json_object_get(all, "transport"));
	const char *transport_reason = json_string_value(
		json_object_get(all, "transport_reason"));
	int ret = -ENOENT;

	if (k && kind && reason && transport && transport_reason && !strcmp(k, key)) {
		*accel = (struct accel){
			.slowness = json_number_value(json_object_get(all, "slowness")),
			.tsc_khz = (uint32_t)json_integer_value(
				json_object_get(all, "tsc_khz")),
		};
		snprintf(accel->reason, sizeof(accel->reason), "%s", reason);
		snprintf(accel->transport_reason, sizeof(accel->transport_reason),
			 "%s", transport_reason);
		ret = accel->slowness >= 1 &&
		      !accel_kind_parse(kind, &accel->kind) &&
		      !transport_parse(transport, &accel->transport) ? 0 : -ENOENT;
	}
	json_decref(all);
	return ret;
}

static void cache_store(const char *path, const char *key,
			const struct accel *accel)
{
	json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:i}", "key", key,
				"kind", accel_kind_name(accel->kind), "reason", accel->reason,
				"transport", transport_name(accel->transport),
				"transport_reason", accel->transport_reason,
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
	char hex[HASH_HEX];

	hash_string(key, hex);
	files_mkdirs(dir);
	path = xasprintf("%s/%s.json", dir, hex);
	free(dir);
	return path;
}

/* From the cache, or one probe at a time: the lock dies with its holder. */
static int choose_cached(const char *profile, enum accel_kind want,
			 enum transport transport, const char *key,
			 struct accel *accel, struct err *err)
{
	char *path = cache_path(key), *lock = xasprintf("%s.lock", path);
	int fd;

	if (cache_load(path, key, accel)) {
		fd = files_lock(lock, true);
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

static const char *word(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : "auto";
}

/* $ACCEL and $TRANSPORT. */
static int read_env(enum accel_kind *want, enum transport *transport, struct err *err)
{
	if (accel_kind_parse(word("ACCEL"), want))
		return err_set(err, ERR_USER, -EINVAL,
			       "ACCEL=%s; expected auto, kvm or tcg", word("ACCEL"));
	if (transport_parse(word("TRANSPORT"), transport))
		return err_set(err, ERR_USER, -EINVAL,
			       "TRANSPORT=%s; expected auto, vsock or serial",
			       word("TRANSPORT"));
	return 0;
}

/* What was asked for by name, and is not to be had, is not replaced in silence. */
static int check_wish(enum accel_kind want, enum transport transport,
		      const struct accel *accel, struct err *err)
{
	if (want == ACCEL_KVM && accel->kind != ACCEL_KVM)
		return err_set(err, ERR_BROKEN, -ENODEV, "ACCEL=kvm: %s",
			       accel->reason);
	if (transport == TRANSPORT_VSOCK && accel->transport != TRANSPORT_VSOCK)
		return err_set(err, ERR_BROKEN, -ENODEV, "TRANSPORT=vsock: %s",
			       accel->transport_reason);
	return 0;
}

/*
 * $PROVIUM_BOOT: seconds that a boot takes here, from somebody who has probed: with both
 * kinds given nothing is left to be found out (mk/lab.mk).
 */
static bool is_known(enum accel_kind want, enum transport transport, struct accel *accel)
{
	const char *said = getenv("PROVIUM_BOOT");
	double seconds = said ? strtod(said, NULL) : 0;

	if (seconds <= 0 || !want || !transport)
		return false;
	*accel = (struct accel){
		.kind = want, .transport = transport,
		.tsc_khz = measure_tsc_khz(), .slowness = slowness_of(seconds),
	};
	snprintf(accel->reason, sizeof(accel->reason), "PROVIUM_BOOT=%s", said);
	return true;
}

int accel_choose(const char *profile, struct accel *accel, struct err *err)
{
	enum accel_kind want;
	enum transport transport;
	int ret = read_env(&want, &transport, err);
	char *key;

	*accel = (struct accel){ 0 };
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
	enum accel_kind want;
	enum transport transport;
	struct err ignored;
	char *key, *path;

	if (read_env(&want, &transport, &ignored))
		return;
	key = cache_key(profile, want, transport, &ignored);
	path = key ? cache_path(key) : NULL;
	if (path)
		unlink(path);
	free(path);
	free(key);
}
