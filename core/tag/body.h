/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The head and the body of a page's tags (codec.h); what a page alone and a batch have in common.
 */
#ifndef CORE_TAG_BODY_H
#define CORE_TAG_BODY_H

#include "tag/codec.h"
#include "seam_os.h"

/*
 * Heads have five bits: what follows begins a range that ends where the next begins.
 * SAME: all tags are head - SAME, no body. RICE, FIXED: runs, as numbers of which so many low
 * bits are written as they are: the first of the range MIN, the next one more. What is above
 * them is written as so many zeros and a one, or there is nothing. RAW: the packed tags. NONE:
 * no tags, no body.
 */
enum tag_head {
	TAG_HEAD_SAME = 0,
	TAG_HEAD_RICE = 16,
	TAG_HEAD_FIXED = 22,
	TAG_HEAD_RAW = 30,
	TAG_HEAD_NONE = 31,
};
#define TAG_RICE_MIN   4U
#define TAG_RICE_MAX   9U
#define TAG_FIXED_MIN  5U
#define TAG_HEAD_BITS  5
#define TAG_HEAD_COUNT 32U

/* Bits of runs in a body at most: one byte less than the packed tags. */
#define TAG_RUNS_BITS_MAX (8 * (TAG_PAGE_PACKED - 1))

/* Bytes behind the beginning of a body that may be written or read at most. */
#define TAG_BODY_ROOM (TAG_PAGE_PACKED + 8)

/*
 * Writes the body of packed tags to @out, TAG_BODY_ROOM bytes, of which those behind the body
 * mean nothing, and says in @head what it is. Returns the body's bytes, TAG_PAGE_PACKED at most.
 */
unsigned int tag_body_encode(const u8 *tags, u8 *out, u8 *head);

/*
 * Reads the body that @head promises, not TAG_HEAD_NONE, from the first of @size bytes. Returns
 * its bytes. Errors: -EINVAL: it is cut short, or its runs are not a page's; @tags is untouched.
 */
int tag_body_decode(u8 head, const u8 *in, unsigned int size, u8 *tags);

#endif
