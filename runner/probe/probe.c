// SPDX-License-Identifier: GPL-2.0-only
/* Boots VMs with a time limit, to find out what works; see probe.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runner/probe/probe.h"
#include "runner/probe/tsc.h"
#include "runner/vm/vm.h"
#include "runner/vm/vsock.h"

/* A boot with KVM that works takes a twentieth of this limit. */
#define KVM_TIMEOUT_S 8.0
#define TCG_TIMEOUT_S 30.0
/*
 * A boot with vsock takes as long as one with a serial port; the factor is a
 * margin.
 */
#define VSOCK_TIMEOUT_FACTOR 3
/* A KVM boot that takes longer is compared with TCG. */
#define KVM_SLOW_S 1.5
/* The boot time for which the unscaled time limits were chosen. */
#define REFERENCE_BOOT_S 0.4
#define PROBE_MEMORY (256u << 20)

double probe_slowness(double boot_seconds)
{
	return boot_seconds > REFERENCE_BOOT_S ? boot_seconds / REFERENCE_BOOT_S : 1;
}

/*
 * Boots a VM with found->tsc_khz, sets found->release, and stops the VM again.
 * Returns the seconds until the agent answered, or a negative number with err
 * filled.
 */
static double try_boot(const char *profile, enum accel_kind kind,
		       enum transport transport, struct accel *found,
		       double timeout_s, struct err *err)
{
	struct accel accel = {
		.kind = kind, .transport = transport, .slowness = 1,
		.tsc_khz = found->tsc_khz,
	};
	struct vm_opts opts = {
		.memory = PROBE_MEMORY, .cpus = 1, .timeout = timeout_s,
	};
	double seconds = -1;
	struct vm *vm = vm_new(profile, err);
	struct vm_info info;

	if (vm && !vm_boot(vm, &opts, &accel, err)) {
		vm_info(vm, &info);
		seconds = info.boot_s;
		snprintf(found->release, sizeof(found->release), "%s",
			 info.kernel_release);
	}
	vm_free(vm);
	return seconds;
}

/*
 * Puts prefix and the error on one line: without "boot NAME: ", without the
 * console, and with no more than the first line that QEMU printed.
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

/* $PROVIUM_PROBE raises the limit for a KVM that is known to be slow. */
static double kvm_timeout_s(void)
{
	const char *value = getenv("PROVIUM_PROBE");
	double seconds = value ? strtod(value, NULL) : 0;

	return seconds > 0 ? seconds : KVM_TIMEOUT_S;
}

/*
 * Examines /dev/kvm.  Returns false, with the reason filled, if VMs cannot run
 * on KVM.
 */
static bool open_kvm(char *reason, size_t cap)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	if (fd < 0) {
		snprintf(reason, cap, errno == ENOENT ? "no /dev/kvm" :
			 "/dev/kvm: %s", strerror(errno));
		return false;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version < 0)
		snprintf(reason, cap, "/dev/kvm is not KVM: %s", strerror(errno));
	close(fd);
	return version >= 0;
}

/*
 * Returns the seconds of a boot on KVM, or a negative number with accel->reason
 * filled.
 */
static double probe_kvm(const char *profile, struct accel *accel)
{
	struct err err;
	double seconds;

	if (!open_kvm(accel->reason, sizeof(accel->reason)))
		return -1;
	seconds = try_boot(profile, ACCEL_KVM, TRANSPORT_SERIAL, accel,
			   kvm_timeout_s(), &err);
	if (seconds < 0)
		one_line(accel->reason, sizeof(accel->reason), "kvm probe failed: ",
			 &err);
	return seconds;
}

/*
 * KVM that boots slowly (nested, or close to hanging) may be slower than TCG.
 * Boots on TCG to compare.  Returns true if TCG is faster; then *seconds
 * becomes the time of that boot.
 */
static bool tcg_is_faster(const char *profile, struct accel *accel, double *seconds)
{
	struct err err;
	double tcg;

	if (*seconds < KVM_SLOW_S)
		return false;
	tcg = try_boot(profile, ACCEL_TCG, TRANSPORT_SERIAL, accel,
		       *seconds, &err);
	if (tcg < 0 || tcg >= *seconds)
		return false;
	snprintf(accel->reason, sizeof(accel->reason),
		 "kvm probe booted in %.2f s, tcg in %.2f s", *seconds, tcg);
	*seconds = tcg;
	return true;
}

/*
 * Boots on TCG, because the user did not ask for KVM, or it cannot be used;
 * accel->reason is set already.
 */
static double probe_tcg(const char *profile, struct accel *accel)
{
	struct err err;
	double seconds = try_boot(profile, ACCEL_TCG, TRANSPORT_SERIAL,
				  accel, TCG_TIMEOUT_S, &err);

	if (seconds < 0)
		one_line(accel->transport_reason, sizeof(accel->transport_reason),
			 "tcg probe failed: ", &err);
	return seconds;
}

/*
 * Sets accel->kind and accel->reason.  Returns the seconds of the boot;
 * negative if nothing booted.
 */
static double probe_kind(const char *profile, enum accel_kind want, struct accel *accel)
{
	double seconds = -1;

	accel->kind = ACCEL_TCG;
	if (want == ACCEL_TCG)
		snprintf(accel->reason, sizeof(accel->reason), "ACCEL=tcg");
	else
		seconds = probe_kvm(profile, accel);
	if (seconds < 0)
		return want == ACCEL_KVM ? seconds : probe_tcg(profile, accel);
	if (want == ACCEL_UNSET && tcg_is_faster(profile, accel, &seconds))
		return seconds;
	accel->kind = ACCEL_KVM;
	snprintf(accel->reason, sizeof(accel->reason),
		 "kvm probe booted in %.2f s", seconds);
	return seconds;
}

/*
 * Sets accel->transport, and transport_reason if it is not vsock.  seconds is
 * the time of a boot with a serial port.
 */
static void probe_transport(const char *profile, enum transport want,
			    double seconds, struct accel *accel)
{
	struct err err;

	accel->transport = TRANSPORT_SERIAL;
	if (want == TRANSPORT_SERIAL)
		snprintf(accel->transport_reason, sizeof(accel->transport_reason),
			 "TRANSPORT=serial");
	else if (vsock_usable(&err))
		snprintf(accel->transport_reason, sizeof(accel->transport_reason),
			 "%.200s", err.text);
	else if (try_boot(profile, accel->kind, TRANSPORT_VSOCK, accel,
			  VSOCK_TIMEOUT_FACTOR * seconds + 1, &err) < 0)
		one_line(accel->transport_reason, sizeof(accel->transport_reason),
			 "vsock probe failed: ", &err);
	else
		accel->transport = TRANSPORT_VSOCK;
}

/*
 * Finds out with one boot whether the accelerator and transport work that the
 * user asked for by name.  Returns false if that boot failed: then only
 * separate boots can tell which of the two is the cause.
 */
static bool probe_both(const char *profile, enum accel_kind want, struct accel *accel)
{
	struct err err;
	double seconds = try_boot(profile, want, TRANSPORT_VSOCK, accel,
				  want == ACCEL_KVM ? kvm_timeout_s() : TCG_TIMEOUT_S,
				  &err);

	if (seconds < 0)
		return false;
	accel->kind = want;
	accel->transport = TRANSPORT_VSOCK;
	snprintf(accel->reason, sizeof(accel->reason), "%s probe booted in %.2f s",
		 accel_kind_name(want), seconds);
	accel->slowness = probe_slowness(seconds);
	return true;
}

bool probe_run(const char *profile, const struct probe_request *request,
	       struct accel *accel)
{
	struct err err;
	double seconds;

	*accel = (struct accel){ .tsc_khz = tsc_measure_khz() };
	if (request->transport == TRANSPORT_VSOCK && request->kind &&
	    !vsock_usable(&err) && probe_both(profile, request->kind, accel))
		return true;
	seconds = probe_kind(profile, request->kind, accel);
	accel->slowness = probe_slowness(seconds);
	if (seconds >= 0)
		probe_transport(profile, request->transport, seconds, accel);
	return seconds >= 0 || request->kind == ACCEL_KVM;
}
