/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Streams of bits, the lowest bit of the first byte first, and how a run is written in one.
 *
 * A run is its length less one, and its tag. The coding says how many of the length's low bits
 * are written as they are; what is above them, the quotient, is written as so many zeros and a
 * one, or not at all where no run of the page has any (low bits of all runs suffice then).
 *
 *	[quotient: zeros, then 1]  low bits  tag: 4
 *
 * Streams read and write eight bytes at once: there has to be room for as many behind the last.
 */
#ifndef CORE_TAG_BITS_H
#define CORE_TAG_BITS_H

#include "seam_os.h"
#include "tag/edges.h"

struct tag_coding {
	u8 low;	  /* bits of a length that are written as they are, 0 to 8 */
	u8 unary; /* 1: the bits above are written as a quotient; 0: there are none */
};

/* Bits of a quotient that are written or read at once. */
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
static inline void tag_bits_put(struct tag_bits_out *out, u64 value, unsigned int zeros,
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

#endif
