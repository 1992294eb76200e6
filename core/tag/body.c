// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tag/bits.h"
#include "tag/body.h"
#include "tag/edges.h"

/* More runs are never shorter than the packed tags: each has 5 bits at least. */
#define RUNS_MAX (TAG_RUNS_BITS_MAX / 5)

/* Low bits that a quotient may be written with. */
#define RICE_LOW_MAX (TAG_HEAD_FIXED - TAG_HEAD_RICE - 1)

/* Run n begins at granule start[n] and ends before granule start[n + 1], modulo 256. */
struct runs {
	unsigned int count;
	u8 start[RUNS_MAX + 1];
};

static u64 tag_at(const u8 *tags, unsigned int granule)
{
	return tags[granule / 2] >> (granule % 2 * 4) & 0xf;
}

static bool all_same(const u8 *tags)
{
	u64 word = tag_word(tags[0] & 0xf), differ = 0;

	if (tag_load64(tags) != word)
		return false;
	for (unsigned int i = 1; i < TAG_WORDS; i++)
		differ |= tag_load64(tags + 8 * i) ^ word;
	return !differ;
}

/* Bits that are set. Not the compiler's own, which may call a function that a kernel lacks. */
static unsigned int edges_count(const struct tag_edges *edges)
{
	u64 bytes = 0;

	for (unsigned int i = 0; i < TAG_GRANULES / 64; i++) {
		u64 x = edges->word[i];

		x -= x >> 1 & 0x5555555555555555ULL;
		x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
		bytes += (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	}
	/* 16-bit sums: all 256 bits may be set. */
	bytes = (bytes & 0x00ff00ff00ff00ffULL) + (bytes >> 8 & 0x00ff00ff00ff00ffULL);
	return (unsigned int)(bytes * 0x0001000100010001ULL >> 48);
}

static void runs_find(const struct tag_edges *edges, struct runs *runs)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < TAG_GRANULES / 64; i++) {
		for (u64 word = edges->word[i]; word; word &= word - 1)
			runs->start[count++] = (u8)(64 * i + (unsigned int)__builtin_ctzll(word));
	}
	runs->start[count] = 0;
	runs->count = count;
}

/* The length of run @n, less one. */
static unsigned int runs_rest(const struct runs *runs, unsigned int n)
{
	return (u8)(runs->start[n + 1] - runs->start[n] - 1);
}

/*
 * How many low bits suit @count runs whose lengths fall off geometrically: 2^low is about the
 * mean length times ln 2, and 177 is 256 ln 2.
 */
static unsigned int rice_low(unsigned int count)
{
	unsigned int low = 0;

	while (low < RICE_LOW_MAX && count << (low + 1) <= 177)
		low++;
	return low;
}

/* The shorter way to write @runs, and the @bits that it takes. */
static u8 runs_head(const struct runs *runs, unsigned int *bits)
{
	unsigned int low = rice_low(runs->count), quotients = 0, widest = 0, width;

	for (unsigned int i = 0; i < runs->count; i++) {
		quotients += runs_rest(runs, i) >> low;
		widest |= runs_rest(runs, i);
	}
	width = 32 - (unsigned int)__builtin_clz(widest);
	*bits = runs->count * (width + 4);
	if (*bits <= runs->count * (low + 5) + quotients)
		return (u8)(TAG_HEAD_FIXED + width - 1);
	*bits = runs->count * (low + 5) + quotients;
	return (u8)(TAG_HEAD_RICE + low);
}

static struct tag_coding head_coding(u8 head)
{
	if (head < TAG_HEAD_FIXED)
		return (struct tag_coding){ .low = (u8)(head - TAG_HEAD_RICE), .unary = 1 };
	return (struct tag_coding){ .low = (u8)(head - TAG_HEAD_FIXED + 1), .unary = 0 };
}

static unsigned int runs_encode(const struct runs *runs, struct tag_coding coding, const u8 *tags,
				u8 *to)
{
	struct tag_bits_out out = { .to = to };
	const unsigned int mask = (1U << coding.low) - 1, count = coding.low + coding.unary + 4U;

	for (unsigned int i = 0; i < runs->count; i++) {
		unsigned int rest = runs_rest(runs, i);
		unsigned int zeros = coding.unary ? rest >> coding.low : 0;
		u64 code = (rest & mask) | tag_at(tags, runs->start[i]) << coding.low;

		for (; zeros >= TAG_ZEROS_MAX; zeros -= TAG_ZEROS_MAX)
			tag_bits_put(&out, 0, TAG_ZEROS_MAX, 0);
		tag_bits_put(&out, code << coding.unary | coding.unary, zeros, count);
	}
	return tag_bits_size(&out, to);
}

unsigned int tag_body_encode(const u8 *tags, u8 *out, u8 *head)
{
	struct tag_edges edges;
	struct runs runs;
	unsigned int bits;

	if (all_same(tags)) {
		*head = (u8)(TAG_HEAD_SAME + tag_at(tags, 0));
		return 0;
	}
	tag_edges(tags, &edges);
	if (edges_count(&edges) <= RUNS_MAX) {
		runs_find(&edges, &runs);
		*head = runs_head(&runs, &bits);
		if (bits <= TAG_RUNS_BITS_MAX)
			return runs_encode(&runs, head_coding(*head), tags, out);
	}
	*head = TAG_HEAD_RAW;
	memcpy(out, tags, TAG_PAGE_PACKED);
	return TAG_PAGE_PACKED;
}

/* A page that is being put together; stores may reach behind its end. */
struct page {
	u8 tags[TAG_PAGE_PACKED + 8];
	unsigned int granule; /* the next one */
	u64 last;	      /* the word of the tag before it */
};

/* Appends @rest + 1 times @tag, for which there is room. */
static void page_append(struct page *page, unsigned int rest, u64 tag)
{
	u64 word = tag_word(tag);
	u8 *to = page->tags + page->granule / 2;
	u8 *end;

	/* The byte that the run before has half of. */
	tag_store64(to, word ^ ((word ^ page->last) & (page->granule & 1 ? 0xf : 0)));
	page->granule += rest + 1;
	page->last = word;
	end = page->tags + (page->granule + 1) / 2;
	for (to += 8; to < end; to += 8)
		tag_store64(to, word);
}

/*
 * Runs that make up a page, from a body of at most @limit bits, TAG_RUNS_BITS_MAX at most, of
 * which TAG_BODY_ROOM bytes can be read.
 */
static int runs_decode(const u8 *in, unsigned int limit, struct tag_coding coding, u8 *tags)
{
	const unsigned int mask = (1U << coding.low) - 1;
	struct page page;
	unsigned int at = 0;

	page.granule = 0;
	page.last = 0;
	while (page.granule < TAG_GRANULES) {
		u64 bits = tag_load64(in + at / 8) >> at % 8;
		unsigned int rest, zeros = 0;

		while (coding.unary && !(bits & GENMASK_ULL(TAG_ZEROS_MAX - 1, 0))) {
			zeros += TAG_ZEROS_MAX;
			at += TAG_ZEROS_MAX;
			if (at > limit)
				return -EINVAL;
			bits = tag_load64(in + at / 8) >> at % 8;
		}
		if (coding.unary) {
			unsigned int more = (unsigned int)__builtin_ctzll(bits);

			zeros += more;
			at += more + 1;
			bits >>= more + 1;
		}
		rest = (zeros << coding.low) + ((unsigned int)bits & mask);
		at += coding.low + 4U;
		if (at > limit || rest >= TAG_GRANULES - page.granule)
			return -EINVAL;
		page_append(&page, rest, bits >> coding.low & 0xf);
	}
	if (at % 8 && in[at / 8] >> at % 8)
		return -EINVAL;
	memcpy(tags, page.tags, TAG_PAGE_PACKED);
	return (int)((at + 7) / 8);
}

int tag_body_decode(u8 head, const u8 *in, unsigned int size, u8 *tags)
{
	u8 copy[TAG_BODY_ROOM] = { 0 };
	unsigned int limit = TAG_RUNS_BITS_MAX;

	if (head < TAG_HEAD_RICE) {
		memset(tags, (head - TAG_HEAD_SAME) * 0x11, TAG_PAGE_PACKED);
		return 0;
	}
	if (head == TAG_HEAD_RAW) {
		if (size < TAG_PAGE_PACKED)
			return -EINVAL;
		memcpy(tags, in, TAG_PAGE_PACKED);
		return TAG_PAGE_PACKED;
	}
	if (size < TAG_BODY_ROOM) {
		memcpy(copy, in, size);
		in = copy;
		limit = 8 * size < limit ? 8 * size : limit;
	}
	return runs_decode(in, limit, head_coding(head), tags);
}
