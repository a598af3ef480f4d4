/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How VMs run on this host: the accelerator, the transport, and measured facts.
 * runner/probe/ determines them.
 */
#ifndef RUNNER_MACHINE_ACCEL_H
#define RUNNER_MACHINE_ACCEL_H

#include <stddef.h>
#include <stdint.h>

/* 0 means "not chosen" in a struct accel, and "auto" in a request. */
enum accel_kind { ACCEL_UNSET, ACCEL_TCG, ACCEL_KVM };
enum transport { TRANSPORT_UNSET, TRANSPORT_SERIAL, TRANSPORT_VSOCK };

struct accel {
	enum accel_kind kind;
	enum transport transport;
	char reason[512];		/* why kind was chosen */
	char transport_reason[256];	/* why transport was chosen */
	double slowness;		/* factor for time limits, 1 or more */
	char release[80];		/* release of the profile's kernel; "": unknown */
	uint32_t tsc_khz;		/* frequency of the host's TSC; 0: unknown */
};

/* These functions return "tcg", "kvm", "serial" or "vsock"; "auto" for 0. */
const char *accel_kind_name(enum accel_kind kind);
const char *transport_name(enum transport transport);
/*
 * These functions find the value for such a word: 0 with *kind or *transport
 * set, or -EINVAL for an unknown word.
 */
int accel_kind_parse(const char *word, enum accel_kind *kind);
int transport_parse(const char *word, enum transport *transport);
/*
 * Formats the first line of a run, without a newline: "accel kvm/vsock, minimal
 * 6.1.192: kvm probe booted in 0.31 s".  release: the release of the profile's
 * kernel; "" if it is unknown.
 */
void accel_line(const struct accel *accel, const char *profile, const char *release,
		char *line, size_t cap);

#endif
