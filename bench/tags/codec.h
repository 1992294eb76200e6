/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What codec_rows.h measures: the packed tags of 64 pages made small, and back. Each program has
 * one subject: codec_ours.c, codec_zstd.c, codec_lz4.c, codec_runs.c, codec_bytes.c.
 *
 * Calls end the program when they fail.
 */
#ifndef BENCH_TAGS_CODEC_H
#define BENCH_TAGS_CODEC_H

#include "seam_os.h"
#include "tag/codec.h"

#define SUBJECT_PAGES 64U
#define SUBJECT_BYTES (SUBJECT_PAGES * TAG_PAGE_PACKED)

/* Bytes that no subject needs more of for 64 pages, and that it may write. */
#define SUBJECT_ROOM (2 * SUBJECT_BYTES)

/* Returns the bytes that it took. */
static unsigned int subject_encode(const u8 *tags, u8 *out);
static void subject_decode(const u8 *in, unsigned int size, u8 *tags);

#endif
