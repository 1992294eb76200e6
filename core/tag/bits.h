/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Streams of bits, the lowest bit of the first byte first, eight bytes written or read at once:
 * there has to be room for as many behind the last.
 */
#ifndef CORE_TAG_BITS_H
#define CORE_TAG_BITS_H

#include "seam_os.h"
#include "tag/edges.h"

/* Zeros that are appended or looked for at once. */
#define TAG_ZEROS_MAX 32U

/* @fill bits of @acc, 7 at most between calls, are not yet at @to. */
struct tag_bits_out {
	u8 *to;
	u64 acc;
	unsigned int fill;
};

/*
 * Appends @zeros zeros, TAG_ZEROS_MAX at most, and @count bits of @value, above which it has none;
 * 56 bits in all at most.
 */
static inline void tag_bits_put(struct tag_bits_out *out, unsigned int zeros, u64 value,
				unsigned int count)
{
	out->acc |= value << (out->fill + zeros);
	out->fill += zeros + count;
	tag_store64(out->to, out->acc);
	out->to += out->fill / 8;
	out->acc >>= out->fill & ~7U;
	out->fill &= 7;
}

/* Bytes from @begin to what was put last; the bits that fill up the last byte are zeros. */
static inline unsigned int tag_bits_size(const struct tag_bits_out *out, const u8 *begin)
{
	return (unsigned int)(out->to - begin) + (out->fill > 0);
}

/* The bits of @in from bit @at on, 57 at least. */
static inline u64 tag_bits_at(const u8 *in, unsigned int at)
{
	return tag_load64(in + at / 8) >> at % 8;
}

#endif
