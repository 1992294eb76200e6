/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where runs of equal tags begin in a page: what the encoder spends its time on, so that there
 * are forms for NEON and SSE2 beside the portable one, which is the kernel's. All give the same.
 */
#ifndef CORE_TAG_EDGES_H
#define CORE_TAG_EDGES_H

#include "seam_os.h"
#include "tag/codec.h"

#define TAG_WORDS (TAG_PAGE_PACKED / 8)

/* Bit n % 64 of word n / 64: a run begins at granule n. At granule 0 one always does. */
struct tag_edges {
	u64 word[TAG_GRANULES / 64];
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lower address is the low nibble");

static inline u64 tag_load64(const u8 *from)
{
	u64 word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static inline void tag_store64(u8 *to, u64 word)
{
	memcpy(to, &word, sizeof(word));
}

/* A word that is one tag sixteen times. */
static inline u64 tag_word(u64 tag)
{
	return tag * 0x1111111111111111ULL;
}

/*
 * The 16 tags of @word, compared each with the one before it, the last of @before for the
 * first: bit n says that tag n differs.
 */
static inline u64 tag_word_edges(u64 word, u64 before)
{
	u64 x = word ^ (word << 4 | before >> 60);

	x |= x >> 2;
	x = (x | x >> 1) & 0x1111111111111111ULL;
	x = (x | x >> 3) & 0x0303030303030303ULL;
	x = (x | x >> 6) & 0x000f000f000f000fULL;
	x = (x | x >> 12) & 0x000000ff000000ffULL;
	return (x | x >> 24) & 0xffff;
}

static inline void tag_edges_portable(const u8 *tags, struct tag_edges *edges)
{
	u64 before = 0;

	memset(edges, 0, sizeof(*edges));
	for (unsigned int i = 0; i < TAG_WORDS; i++) {
		u64 word = tag_load64(tags + 8 * i);

		edges->word[i / 4] |= tag_word_edges(word, before) << (i % 4 * 16);
		before = word;
	}
	edges->word[0] |= 1;
}

#if defined(__ARM_NEON)

#include "tag/edges_neon.h"

#elif defined(__SSE2__)

#include "tag/edges_sse2.h"

#else

static inline void tag_edges(const u8 *tags, struct tag_edges *edges)
{
	tag_edges_portable(tags, edges);
}

#endif

#endif
