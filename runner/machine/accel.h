/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a VM runs on this host: the accelerator, the transport, and what was
 * measured.  runner/probe/ finds it out.
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
	char reason[512];		/* for the choice of kind */
	char transport_reason[256];	/* for the choice of transport */
	double slowness;		/* factor for time limits, 1 or more */
	uint32_t tsc_khz;		/* of the host; 0: unknown */
};

/* "tcg", "kvm", "serial", "vsock"; "auto" for 0. */
const char *accel_kind_name(enum accel_kind kind);
const char *transport_name(enum transport transport);
/* The inverse: 0 with *kind or *transport set, or -EINVAL for another word. */
int accel_kind_parse(const char *word, enum accel_kind *kind);
int transport_parse(const char *word, enum transport *transport);
/*
 * The line that opens a run, without a newline: "accel tcg: kvm probe failed:
 * …", "accel kvm/vsock: …".
 */
void accel_line(const struct accel *accel, char *line, size_t cap);

#endif
