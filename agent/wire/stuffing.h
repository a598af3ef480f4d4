/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Byte stuffing: a frame from the runner contains no zero byte.
 *
 * An executor that reads the link can be killed before it has noted how many
 * bytes it read.  The agent's receive buffer is all zeros where nothing has
 * been read, so its content tells that number, provided that no byte sent is
 * zero.
 *
 * A frame of n bytes is sent in chunks: one key byte, then up to STUFFING_CHUNK
 * bytes, each xor the key.  A chunk lacks at least one value other than zero;
 * that value is its key.
 */
#ifndef AGENT_WIRE_STUFFING_H
#define AGENT_WIRE_STUFFING_H

#include <stddef.h>
#include <stdint.h>

#define STUFFING_CHUNK 254u
/* Returns the number of bytes sent for a frame of n bytes. */
#define STUFFED_SIZE(n) ((n) + ((n) + STUFFING_CHUNK - 1) / STUFFING_CHUNK)

/* Writes STUFFED_SIZE(n) bytes to dest, which must not overlap with src. */
void stuffing_add(uint8_t *dest, const uint8_t *src, size_t n);
/*
 * Writes bytes from..from + n of a frame to dest; src is the frame as it was
 * sent, complete up to there.
 */
void stuffing_remove(uint8_t *dest, const uint8_t *src, size_t from, size_t n);

#endif
