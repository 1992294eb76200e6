/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A subject that goes page by page: it defines the two functions of a page, and these do the rest.
 */
#ifndef BENCH_TAGS_CODEC_PAGES_H
#define BENCH_TAGS_CODEC_PAGES_H

#include "codec.h"

/* Both return the bytes that the encoded page takes. */
static unsigned int encode_page(const u8 *tags, u8 *out);
static unsigned int decode_page(const u8 *in, u8 *tags);

static u8 tag_at(const u8 *tags, unsigned int granule)
{
	return tags[granule / 2] >> granule % 2 * 4 & 0xf;
}

static unsigned int subject_encode(const u8 *tags, u8 *out)
{
	unsigned int size = 0;

	for (unsigned int i = 0; i < SUBJECT_PAGES; i++)
		size += encode_page(tags + i * TAG_PAGE_PACKED, out + size);
	return size;
}

static void subject_decode(const u8 *in, unsigned int size, u8 *tags)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < SUBJECT_PAGES && at < size; i++)
		at += decode_page(in + at, tags + i * TAG_PAGE_PACKED);
}

#endif
