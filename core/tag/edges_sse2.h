/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* tag_edges() of edges.h, by the vectors that every x86-64 has. */
#ifndef CORE_TAG_EDGES_SSE2_H
#define CORE_TAG_EDGES_SSE2_H

/* The compiler's own, not an operating system's. */
#include <emmintrin.h>

/* 32 tags, compared each with the one before it, the last of @before for the first. */
static inline u32 tag_edges_of_16(__m128i v, __m128i before)
{
	const __m128i low = _mm_set1_epi8(0x0f);
	const __m128i high = _mm_set1_epi8((char)0xf0);
	__m128i up = _mm_and_si128(_mm_slli_epi16(v, 4), high);
	__m128i down = _mm_and_si128(_mm_srli_epi16(before, 4), low);
	__m128i d = _mm_xor_si128(v, _mm_or_si128(up, down));
	__m128i even = _mm_cmpeq_epi8(_mm_and_si128(d, low), _mm_setzero_si128());
	__m128i odd = _mm_cmpeq_epi8(_mm_and_si128(d, high), _mm_setzero_si128());
	u32 first = (u32)_mm_movemask_epi8(_mm_unpacklo_epi8(even, odd));
	u32 second = (u32)_mm_movemask_epi8(_mm_unpackhi_epi8(even, odd));

	return ~(first | second << 16);
}

static inline void tag_edges(const u8 *tags, struct tag_edges *edges)
{
	__m128i v = _mm_loadu_si128((const __m128i *)tags);
	__m128i before = _mm_slli_si128(v, 1);

	for (unsigned int i = 0; i < TAG_GRANULES / 64; i++) {
		const u8 *at = tags + 32 * i;
		u64 first, second;

		v = _mm_loadu_si128((const __m128i *)at);
		if (i)
			before = _mm_loadu_si128((const __m128i *)(at - 1));
		first = tag_edges_of_16(v, before);
		v = _mm_loadu_si128((const __m128i *)(at + 16));
		before = _mm_loadu_si128((const __m128i *)(at + 15));
		second = tag_edges_of_16(v, before);
		edges->word[i] = first | second << 32;
	}
	edges->word[0] |= 1;
}

#endif
