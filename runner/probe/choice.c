// SPDX-License-Identifier: GPL-2.0-only
/* Chooses accelerator and transport; see choice.h. */
#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/probe/choice.h"
#include "runner/probe/probe.h"
#include "runner/probe/record.h"
#include "runner/probe/tsc.h"

/* A probe is repeated once the machine's load has fallen by this factor. */
#define CALMER 2

static const char *env_word(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : "auto";
}

static int read_env(struct probe_request *request, struct err *err)
{
	const char *accel = env_word("ACCEL"), *transport = env_word("TRANSPORT");

	if (accel_kind_parse(accel, &request->kind))
		return err_set(err, ERR_USER, -EINVAL,
			       "ACCEL=%s; expected auto, kvm or tcg", accel);
	if (transport_parse(transport, &request->transport))
		return err_set(err, ERR_USER, -EINVAL,
			       "TRANSPORT=%s; expected auto, vsock or serial",
			       transport);
	return 0;
}

/*
 * $PROVIUM_BOOT is the time of a boot in seconds, measured by a runner that has
 * probed already.  If the accelerator and the transport are also given, no
 * probe is needed.
 */
static bool is_given(const struct probe_request *request, struct accel *accel)
{
	const char *value = getenv("PROVIUM_BOOT");
	double seconds = value ? strtod(value, NULL) : 0;

	if (seconds <= 0 || !request->kind || !request->transport)
		return false;
	*accel = (struct accel){
		.kind = request->kind, .transport = request->transport,
		.tsc_khz = tsc_measure_khz(), .slowness = probe_slowness(seconds),
	};
	snprintf(accel->reason, sizeof(accel->reason), "PROVIUM_BOOT=%s", value);
	return true;
}

/*
 * Returns the load average of the last minute per processor; 0 if it is
 * unknown.
 */
static double load_now(void)
{
	double load;

	return getloadavg(&load, 1) == 1 ?
	       load / (double)sysconf(_SC_NPROCESSORS_ONLN) : 0;
}

static bool was_busy(const struct record *record)
{
	return record->load > 1 && load_now() < record->load / CALMER;
}

static void probe_and_save(const char *profile, const struct probe_request *request,
			   const char *path, const char *key, struct record *record)
{
	bool valid = probe_run(profile, request, &record->accel);

	record->load = load_now();
	/* A probe that a signal interrupted tells nothing about the machine. */
	if (valid && !interrupt_pending())
		record_save(path, key, record);
}

/*
 * Probes, unless another runner has probed while this one waited for the lock.
 */
static void probe_locked(const char *profile, const struct probe_request *request,
			 const char *path, const char *key, struct record *record)
{
	char *lock = xasprintf("%s.lock", path);
	int fd = files_lock(lock, true);

	if (record_load(path, key, record))
		probe_and_save(profile, request, path, key, record);
	if (fd >= 0) {
		unlink(lock);
		close(fd);
	}
	free(lock);
}

/*
 * Repeats a probe that was made when the machine was busy, at most once in this
 * process.  It does not wait for the lock, because its holder may wait at the
 * gate for memory of a runner that waits for this one.
 */
static void probe_again(const char *profile, const struct probe_request *request,
			const char *path, const char *key, struct record *record)
{
	static bool done;
	struct record repeated;
	char *lock;
	int fd;

	if (done || !was_busy(record))
		return;
	done = true;
	lock = xasprintf("%s.lock", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB)) {
		probe_and_save(profile, request, path, key, &repeated);
		if (!record_load(path, key, &repeated))
			*record = repeated;
		unlink(lock);
	}
	if (fd >= 0)
		close(fd);
	free(lock);
}

static int from_record(const char *profile, const struct probe_request *request,
		       const char *key, struct accel *accel, struct err *err)
{
	char *path = record_path(key);
	struct record record;

	if (record_load(path, key, &record))
		probe_locked(profile, request, path, key, &record);
	else
		probe_again(profile, request, path, key, &record);
	*accel = record.accel;
	free(path);
	return interrupt_pending() ? err_set(err, ERR_INTERRUPTED, -EINTR,
					     "interrupted") : 0;
}

/*
 * Checks that what the user asked for by name works: such a choice is never
 * replaced silently.
 */
static int check_request(const struct probe_request *request,
			 const struct accel *accel, struct err *err)
{
	if (request->kind == ACCEL_KVM && accel->kind != ACCEL_KVM)
		return err_set(err, ERR_BROKEN, -ENODEV, "ACCEL=kvm: %s",
			       accel->reason);
	if (request->transport == TRANSPORT_VSOCK &&
	    accel->transport != TRANSPORT_VSOCK)
		return err_set(err, ERR_BROKEN, -ENODEV, "TRANSPORT=vsock: %s",
			       accel->transport_reason);
	return 0;
}

int choice_make(const char *profile, struct accel *accel, struct err *err)
{
	struct probe_request request;
	int ret = read_env(&request, err);
	char *key;

	*accel = (struct accel){ 0 };
	if (ret)
		return ret;
	key = record_key(profile, &request, err);
	if (!key)
		return -ENOENT;
	if (!is_given(&request, accel))
		ret = from_record(profile, &request, key, accel, err);
	free(key);
	return ret ? ret : check_request(&request, accel, err);
}

void choice_forget(const char *profile)
{
	struct probe_request request;
	struct err ignored;
	char *key, *path;

	if (read_env(&request, &ignored))
		return;
	key = record_key(profile, &request, &ignored);
	path = key ? record_path(key) : NULL;
	if (path)
		unlink(path);
	free(path);
	free(key);
}
