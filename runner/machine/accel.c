// SPDX-License-Identifier: GPL-2.0-only
/* The names of accelerators and transports; see accel.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/machine/accel.h"

static const char *const kinds[] = {
	[ACCEL_UNSET] = "auto", [ACCEL_TCG] = "tcg", [ACCEL_KVM] = "kvm",
};
static const char *const transports[] = {
	[TRANSPORT_UNSET] = "auto", [TRANSPORT_SERIAL] = "serial",
	[TRANSPORT_VSOCK] = "vsock",
};

#define NR(list) (sizeof(list) / sizeof((list)[0]))

/* Returns the index of the word in the list, or -EINVAL. */
static int find_word(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return (int)i;
	return -EINVAL;
}

const char *accel_kind_name(enum accel_kind kind)
{
	return kinds[kind];
}

const char *transport_name(enum transport transport)
{
	return transports[transport];
}

int accel_kind_parse(const char *word, enum accel_kind *kind)
{
	int i = find_word(kinds, NR(kinds), word);

	if (i < 0)
		return i;
	*kind = (enum accel_kind)i;
	return 0;
}

int transport_parse(const char *word, enum transport *transport)
{
	int i = find_word(transports, NR(transports), word);

	if (i < 0)
		return i;
	*transport = (enum transport)i;
	return 0;
}

void accel_line(const struct accel *accel, const char *profile, const char *release,
		char *line, size_t cap)
{
	snprintf(line, cap, "accel %s%s, %s%s%s: %s", accel_kind_name(accel->kind),
		 accel->transport == TRANSPORT_VSOCK ? "/vsock" : "", profile,
		 *release ? " " : "", release, accel->reason);
}
