// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the parser of QEMU's messages over QMP. */
#include <unistd.h>

#include "runner/qemu/qmp.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	struct qmp q;
	struct err err = { 0 };
	size_t half = size ? data[0] % size : 0;

	qmp_init(&q);
	q.fd = -1;
	if (!qmp_parse(&q, data, half, &err))
		qmp_parse(&q, data + half, size - half, &err);
	qmp_release(&q);
}
