// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tag/bits.h"
#include "tag/body.h"
#include "tag/codec.h"

/* The first byte of a page or a batch: a head, and in a batch whether others follow. */
#define FIRST_HEAD   GENMASK_ULL(4, 0)
#define FIRST_OTHERS BIT(7)

/* What a batch may have before its first body: that byte, a bit a page, and their heads. */
#define BATCH_BITMAP_MAX (TAG_BATCH_PAGES / 8)
#define BATCH_HEADS_MAX	 (TAG_BATCH_PAGES * TAG_HEAD_BITS / 8)
#define BATCH_FRONT_MAX	 (1 + BATCH_BITMAP_MAX + BATCH_HEADS_MAX)

static_assert(TAG_PAGE_ROOM >= 1 + TAG_BODY_ROOM, "a page's stores stay inside");
static_assert(TAG_BATCH_ROOM >=
		      BATCH_FRONT_MAX + (TAG_BATCH_PAGES - 1) * TAG_PAGE_PACKED + TAG_BODY_ROOM,
	      "a batch's stores stay inside");

unsigned int tag_page_encode(const u8 tags[TAG_PAGE_PACKED], u8 out[TAG_PAGE_ROOM])
{
	return 1 + tag_body_encode(tags, out + 1, out);
}

int tag_page_decode(const u8 *in, unsigned int size, u8 tags[TAG_PAGE_PACKED])
{
	int body;

	if (!size || in[0] >= TAG_HEAD_NONE)
		return -EINVAL;
	body = tag_body_decode(in[0], in + 1, size - 1, tags);
	return body < 0 ? body : 1 + body;
}

/* The head that most pages have; of several, the smallest. */
static u8 heads_common(const u8 *heads, unsigned int pages)
{
	u8 times[TAG_HEAD_COUNT] = { 0 };
	u8 common = 0;

	for (unsigned int i = 0; i < pages; i++)
		times[heads[i]]++;
	for (u8 head = 1; head < TAG_HEAD_COUNT; head++) {
		if (times[head] > times[common])
			common = head;
	}
	return common;
}

/* What comes before the bodies. Returns its bytes. */
static unsigned int front_encode(const u8 *heads, unsigned int pages, u8 *out)
{
	u8 common = heads_common(heads, pages);
	struct tag_bits_out bits = { .to = out + 1 + (pages + 7) / 8 };
	u64 others = 0;

	for (unsigned int i = 0; i < pages; i++) {
		if (heads[i] == common)
			continue;
		others |= BIT_ULL(i);
		tag_bits_put(&bits, 0, heads[i], TAG_HEAD_BITS);
	}
	out[0] = common;
	if (!others)
		return 1;
	out[0] |= FIRST_OTHERS;
	memcpy(out + 1, &others, (pages + 7) / 8);
	return tag_bits_size(&bits, out);
}

unsigned int tag_batch_encode(const u8 *tags, u64 holds, unsigned int pages, u8 out[TAG_BATCH_ROOM])
{
	/* How long the front is, is known in the end. */
	u8 *bodies = out + BATCH_FRONT_MAX;
	u8 heads[TAG_BATCH_PAGES];
	u8 front[BATCH_FRONT_MAX + 8];
	unsigned int size = 0, front_size;

	for (unsigned int i = 0; i < pages; i++) {
		heads[i] = TAG_HEAD_NONE;
		if (!(holds & BIT_ULL(i)))
			continue;
		size += tag_body_encode(tags, bodies + size, heads + i);
		tags += TAG_PAGE_PACKED;
	}
	front_size = front_encode(heads, pages, front);
	memcpy(out, front, front_size);
	memmove(out + front_size, bodies, size);
	return front_size + size;
}

/* The heads of @pages pages. Returns the bytes that they took, or -EINVAL. */
static int front_decode(const u8 *in, unsigned int size, unsigned int pages, u8 *heads)
{
	unsigned int bitmap = (pages + 7) / 8, at = 0, end;
	u8 packed[BATCH_HEADS_MAX + 1] = { 0 };
	u64 others = 0;

	if (!size || in[0] & ~(FIRST_HEAD | FIRST_OTHERS))
		return -EINVAL;
	memset(heads, in[0] & FIRST_HEAD, pages);
	if (!(in[0] & FIRST_OTHERS))
		return 1;
	if (size < 1 + bitmap)
		return -EINVAL;
	memcpy(&others, in + 1, bitmap);
	if (!others || (pages < 64 && others >> pages))
		return -EINVAL;
	memcpy(packed, in + 1 + bitmap,
	       size - 1 - bitmap < BATCH_HEADS_MAX ? size - 1 - bitmap : BATCH_HEADS_MAX);
	for (; others; others &= others - 1, at += TAG_HEAD_BITS) {
		unsigned int two = packed[at / 8] | packed[at / 8 + 1] << 8;

		heads[__builtin_ctzll(others)] = two >> at % 8 & FIRST_HEAD;
	}
	end = 1 + bitmap + (at + 7) / 8;
	if (end > size || (at % 8 && packed[at / 8] >> at % 8))
		return -EINVAL;
	return (int)end;
}

int tag_batch_decode(const u8 *in, unsigned int size, unsigned int pages, u64 *holds, u8 *tags)
{
	u8 heads[TAG_BATCH_PAGES];
	u64 held = 0;
	int at = front_decode(in, size, pages, heads);

	for (unsigned int i = 0; at >= 0 && i < pages; i++) {
		int body;

		if (heads[i] == TAG_HEAD_NONE)
			continue;
		body = tag_body_decode(heads[i], in + at, size - (unsigned int)at, tags);
		if (body < 0)
			return body;
		at += body;
		tags += TAG_PAGE_PACKED;
		held |= BIT_ULL(i);
	}
	if (at >= 0)
		*holds = held;
	return at;
}
