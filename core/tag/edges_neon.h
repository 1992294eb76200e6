/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* tag_edges() of edges.h, by the vectors that every arm64 user program has. */
#ifndef CORE_TAG_EDGES_NEON_H
#define CORE_TAG_EDGES_NEON_H

/* The compiler's own, not an operating system's. */
#include <arm_neon.h>

/*
 * 32 tags, compared each with the one before it, the last of @before for the first. Byte n of
 * the result has bits 2 * (n % 4) and 2 * (n % 4) + 1 alone: four bytes add up to one.
 */
static inline uint8x16_t tag_edges_of_16(uint8x16_t v, uint8x16_t before)
{
	const uint8x16_t even = vreinterpretq_u8_u32(vdupq_n_u32(0x40100401));
	const uint8x16_t odd = vreinterpretq_u8_u32(vdupq_n_u32(0x80200802));
	uint8x16_t shifted = vsriq_n_u8(vshlq_n_u8(v, 4), vextq_u8(before, v, 15), 4);
	uint8x16_t d = veorq_u8(v, shifted);

	return vorrq_u8(vandq_u8(vtstq_u8(d, vdupq_n_u8(0x0f)), even),
			vandq_u8(vtstq_u8(d, vdupq_n_u8(0xf0)), odd));
}

static inline void tag_edges(const u8 *tags, struct tag_edges *edges)
{
	uint8x16_t before = vdupq_n_u8(0);

	for (unsigned int i = 0; i < 2; i++) {
		uint8x16x4_t v = vld1q_u8_x4(tags + 64 * i);
		uint8x16_t a = vpaddq_u8(tag_edges_of_16(v.val[0], before),
					 tag_edges_of_16(v.val[1], v.val[0]));
		uint8x16_t b = vpaddq_u8(tag_edges_of_16(v.val[2], v.val[1]),
					 tag_edges_of_16(v.val[3], v.val[2]));

		before = v.val[3];
		vst1q_u8((u8 *)(edges->word + 2 * i), vpaddq_u8(a, b));
	}
	edges->word[0] |= 1;
}

#endif
