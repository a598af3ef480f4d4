// SPDX-License-Identifier: GPL-2.0-only
/* Stores results of the probe in files; see record.h. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/base/hash.h"
#include "runner/machine/profile.h"
#include "runner/probe/record.h"

#define QEMU "qemu-system-x86_64"

static void add_identity(struct buf *key, const char *path)
{
	char *identity = files_identity(path);

	buf_addf(key, "%s\n", identity);
	free(identity);
}

static void add_profile(struct buf *key, const struct profile *p)
{
	char *qemu = files_in_path(QEMU);

	buf_addf(key, "%s %s %s\n", p->machine, p->append, p->cpu ? p->cpu : "");
	add_identity(key, p->kernel);
	add_identity(key, qemu ? qemu : QEMU);
	free(qemu);
}

/*
 * Adds to the key which boot of the host this is, its devices, and whether this
 * user can open them.
 */
static void add_host(struct buf *key)
{
	static const char *const devices[] = { "/dev/kvm", "/dev/vhost-vsock" };

	buf_read_file(key, "/proc/sys/kernel/random/boot_id");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		add_identity(key, devices[i]);
		buf_addf(key, "access %d\n", access(devices[i], R_OK | W_OK));
	}
	buf_addf(key, "uid %d\n", (int)geteuid());
}

char *record_key(const char *profile, const struct probe_request *request,
		 struct err *err)
{
	struct buf key = { 0 };
	struct profile p;

	if (profile_load(&p, profile, err))
		return NULL;
	buf_addf(&key, "%s %s\n", accel_kind_name(request->kind),
		 transport_name(request->transport));
	add_profile(&key, &p);
	add_host(&key);
	profile_release(&p);
	return buf_str(&key);
}

char *record_path(const char *key)
{
	char *dir = files_join(files_state(), "accel"), *path;
	char hex[HASH_HEX];

	hash_string(key, hex);
	files_mkdirs(dir);
	path = xasprintf("%s/%s.json", dir, hex);
	free(dir);
	return path;
}

/* Fills in the record from its JSON.  0 or -ENOENT. */
static int read_members(json_t *doc, const char *key, struct record *record)
{
	struct accel *accel = &record->accel;
	const char *kind, *transport, *reason, *transport_reason, *release, *own_key;
	int tsc_khz;

	*record = (struct record){ 0 };
	if (json_unpack(doc, "{s:s, s:s, s:s, s:s, s:s, s:s, s:F, s:i, s:F}", "key", &own_key,
			"kind", &kind, "reason", &reason, "transport", &transport,
			"transport_reason", &transport_reason, "release", &release,
			"slowness", &accel->slowness, "tsc_khz", &tsc_khz,
			"load", &record->load) ||
	    strcmp(own_key, key) || accel->slowness < 1 ||
	    accel_kind_parse(kind, &accel->kind) ||
	    transport_parse(transport, &accel->transport))
		return -ENOENT;
	snprintf(accel->reason, sizeof(accel->reason), "%s", reason);
	snprintf(accel->transport_reason, sizeof(accel->transport_reason), "%s",
		 transport_reason);
	snprintf(accel->release, sizeof(accel->release), "%s", release);
	accel->tsc_khz = (uint32_t)tsc_khz;
	return 0;
}

int record_load(const char *path, const char *key, struct record *record)
{
	json_t *doc = json_load_file(path, 0, NULL);
	int ret = read_members(doc, key, record);

	json_decref(doc);
	return ret;
}

void record_save(const char *path, const char *key, const struct record *record)
{
	const struct accel *accel = &record->accel;
	json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:f}", "key", key,
				"kind", accel_kind_name(accel->kind),
				"reason", accel->reason,
				"transport", transport_name(accel->transport),
				"transport_reason", accel->transport_reason,
				"release", accel->release,
				"slowness", accel->slowness,
				"tsc_khz", (int)accel->tsc_khz, "load", record->load);
	char *text = json_dumps(doc, JSON_INDENT(1));
	struct err ignored;

	if (text)
		files_write(path, text, strlen(text), &ignored);
	free(text);
	json_decref(doc);
}
