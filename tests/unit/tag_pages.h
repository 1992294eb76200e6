/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages of tags to try the codec on (core/tag/codec.h), the same on each machine and run: the
 * patterns that are measured (bench/tags), and others that reach each way to write a page.
 * tag_pages_sum() is a number that says whether all of many pages were written as ever.
 */
#ifndef UNIT_TAG_PAGES_H
#define UNIT_TAG_PAGES_H

#include "seam_os.h"
#include "tag/codec.h"

/* Runs go on from one page to the next; neighbours have different tags. */
struct tag_source {
	u64 random;
	unsigned int left; /* granules of the run */
	u8 tag;
};

enum tag_kind {
	TAGS_ZERO,
	TAGS_UNIFORM,
	TAGS_HEAP,
	TAGS_SMALL_HEAP,
	TAGS_RANDOM,
	TAGS_MEASURED, /* those above */
	TAGS_PAIRS = TAGS_MEASURED,
	TAGS_LONG,
	TAGS_HEADERS,
	TAGS_SKEWED,
	TAGS_TAIL,
	TAGS_KINDS,
};

static inline u32 tag_source_number(struct tag_source *source, u32 bound)
{
	source->random = source->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(source->random >> 33) % bound;
}

static inline void tags_put(u8 *tags, unsigned int granule, u8 tag)
{
	unsigned int shift = granule % 2 * 4;

	tags[granule / 2] = (u8)((tags[granule / 2] & ~(0xf << shift)) | tag << shift);
}

static inline u8 tags_get(const u8 *tags, unsigned int granule)
{
	return tags[granule / 2] >> granule % 2 * 4 & 0xf;
}

/* Half of them 1, a quarter 2, and so on, times @scale. */
static inline unsigned int tag_source_skewed(struct tag_source *source, unsigned int scale)
{
	unsigned int length = 1;

	while (length < 8 && tag_source_number(source, 2))
		length++;
	return 1 + tag_source_number(source, length * length * scale);
}

static inline unsigned int tag_source_length(struct tag_source *source, enum tag_kind kind)
{
	switch (kind) {
	case TAGS_HEAP:
		return 1 + tag_source_number(source, 64);
	case TAGS_SMALL_HEAP:
		return 1 + tag_source_number(source, 8);
	case TAGS_PAIRS:
		return 1 + tag_source_number(source, 2);
	case TAGS_LONG:
		return 60 + tag_source_number(source, 190);
	case TAGS_HEADERS:
		return source->tag ? tag_source_skewed(source, 2) : 1;
	default:
		return tag_source_skewed(source, 3);
	}
}

static inline u8 tag_source_tag(struct tag_source *source, enum tag_kind kind)
{
	if (kind == TAGS_HEADERS && source->tag)
		return 0;
	return (u8)((source->tag + 1 + tag_source_number(source, 15)) % 16);
}

/* The next page of a kind, packed. */
static inline void tag_source_page(struct tag_source *source, enum tag_kind kind, u8 *tags)
{
	unsigned int used = TAG_GRANULES;

	if (kind == TAGS_ZERO || kind == TAGS_UNIFORM) {
		u8 tag = kind == TAGS_ZERO ? 0 : (u8)tag_source_number(source, 16);

		memset(tags, tag * 0x11, TAG_PAGE_PACKED);
		return;
	}
	if (kind == TAGS_TAIL)
		used = 20 + tag_source_number(source, 236);
	for (unsigned int granule = 0; granule < TAG_GRANULES; granule++) {
		if (kind == TAGS_RANDOM) {
			tags_put(tags, granule, (u8)tag_source_number(source, 16));
			continue;
		}
		if (!source->left) {
			source->tag = tag_source_tag(source, kind);
			source->left = tag_source_length(source, kind);
		}
		source->left--;
		tags_put(tags, granule, granule < used ? source->tag : 0);
	}
}

static inline u64 tag_sum(u64 sum, const u8 *bytes, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
	return sum;
}

/* What tag_pages_sum() comes to: another number is another format. */
#define TAG_PAGES_COUNT 16384U
#define TAG_PAGES_SUM	0x3a2d9b0f20606c71ULL

/* The sum of so many encoded pages, in batches of many sizes, some pages without tags. */
static inline u64 tag_pages_sum(unsigned int count)
{
	static u8 tags[TAG_BATCH_PAGES * TAG_PAGE_PACKED];
	static u8 out[TAG_BATCH_ROOM];
	struct tag_source source = { .random = 1 };
	u64 sum = 0xcbf29ce484222325ULL;

	while (count) {
		unsigned int pages = 1 + tag_source_number(&source, TAG_BATCH_PAGES);
		unsigned int kind = tag_source_number(&source, 2 * TAGS_KINDS), held = 0;
		u64 holds = 0;

		pages = pages < count ? pages : count;
		for (unsigned int i = 0; i < pages; i++) {
			if (!tag_source_number(&source, 8))
				continue;
			holds |= BIT_ULL(i);
			tag_source_page(&source, kind < TAGS_KINDS ? kind : i % TAGS_KINDS,
					tags + TAG_PAGE_PACKED * held++);
		}
		sum = tag_sum(sum, out, tag_batch_encode(tags, holds, pages, out));
		count -= pages;
	}
	return sum;
}

#endif
