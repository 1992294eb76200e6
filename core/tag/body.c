// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tag/bits.h"
#include "tag/body.h"
#include "tag/edges.h"

/* A run is a number: its tag, and 16 times its length less one. */
#define RUN_TAG	 GENMASK_ULL(3, 0)
#define RUN_REST 16

/* More runs are never shorter than the packed tags: each has 5 bits at least. */
#define RUNS_MAX (TAG_RUNS_BITS_MAX / 5)

struct runs {
	unsigned int count;
	u16 number[RUNS_MAX];
};

static unsigned int tag_at(const u8 *tags, unsigned int granule)
{
	return tags[granule / 2] >> granule % 2 * 4 & RUN_TAG;
}

/* The run [@begin, @end), in granules. */
static unsigned int run_number(const u8 *tags, unsigned int begin, unsigned int end)
{
	return (end - begin - 1) * RUN_REST + tag_at(tags, begin);
}

static bool all_same(const u8 *tags)
{
	u64 word = tag_word(tags[0] & RUN_TAG), differ = 0;

	if (tag_load64(tags) != word)
		return false;
	for (unsigned int i = 0; i < TAG_WORDS; i++)
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

/*
 * How many low bits suit @count runs whose lengths fall off geometrically: those of the tag, and
 * of the length as many that their power of two is about the mean length times ln 2; 177 is 256
 * times that.
 */
static unsigned int rice_low(unsigned int count)
{
	unsigned int low = 0;

	while (low < TAG_RICE_MAX - TAG_RICE_MIN && count << (low + 1) <= 177)
		low++;
	return TAG_RICE_MIN + low;
}

/*
 * Lists the @count runs that @edges begin, and says which head makes them shorter. Returns the
 * bits that they take then.
 */
static unsigned int runs_find(const u8 *tags, const struct tag_edges *edges, unsigned int count,
			      struct runs *runs, u8 *head)
{
	const unsigned int low = rice_low(count);
	unsigned int begin = 0, quotients = 0, all = 0, number, width;

	runs->count = 0;
	for (unsigned int i = 0; i < TAG_GRANULES / 64; i++) {
		/* The run that begins at granule 0 ends at the next. */
		u64 word = i ? edges->word[i] : edges->word[i] & ~1ULL;

		for (; word; word &= word - 1) {
			unsigned int end = 64 * i + (unsigned int)__builtin_ctzll(word);

			number = run_number(tags, begin, end);
			runs->number[runs->count++] = (u16)number;
			quotients += number >> low;
			all |= number;
			begin = end;
		}
	}
	number = run_number(tags, begin, TAG_GRANULES);
	runs->number[runs->count++] = (u16)number;
	quotients += number >> low;
	all |= number;
	width = 32 - (unsigned int)__builtin_clz(all);
	if (count * width <= count * (low + 1) + quotients) {
		*head = (u8)(TAG_HEAD_FIXED + width - TAG_FIXED_MIN);
		return count * width;
	}
	*head = (u8)(TAG_HEAD_RICE + low - TAG_RICE_MIN);
	return count * (low + 1) + quotients;
}

static unsigned int rice_encode(const struct runs *runs, unsigned int low, u8 *to)
{
	struct tag_bits_out out = { .to = to };
	const u64 mask = BIT_ULL(low) - 1;

	for (unsigned int i = 0; i < runs->count; i++) {
		u64 number = runs->number[i];
		unsigned int zeros = (unsigned int)(number >> low);

		for (; zeros >= TAG_ZEROS_MAX; zeros -= TAG_ZEROS_MAX)
			tag_bits_put(&out, TAG_ZEROS_MAX, 0, 0);
		tag_bits_put(&out, zeros, (number & mask) << 1 | 1, low + 1);
	}
	return tag_bits_size(&out, to);
}

static unsigned int fixed_encode(const struct runs *runs, unsigned int width, u8 *to)
{
	struct tag_bits_out out = { .to = to };

	for (unsigned int i = 0; i < runs->count; i++)
		tag_bits_put(&out, 0, runs->number[i], width);
	return tag_bits_size(&out, to);
}

unsigned int tag_body_encode(const u8 *tags, u8 *out, u8 *head)
{
	struct tag_edges edges;
	struct runs runs;
	unsigned int count;

	if (all_same(tags)) {
		*head = (u8)(TAG_HEAD_SAME + tag_at(tags, 0));
		return 0;
	}
	tag_edges(tags, &edges);
	count = edges_count(&edges);
	if (count <= RUNS_MAX && runs_find(tags, &edges, count, &runs, head) <= TAG_RUNS_BITS_MAX) {
		if (*head < TAG_HEAD_FIXED)
			return rice_encode(&runs, *head - TAG_HEAD_RICE + TAG_RICE_MIN, out);
		return fixed_encode(&runs, *head - TAG_HEAD_FIXED + TAG_FIXED_MIN, out);
	}
	*head = TAG_HEAD_RAW;
	memcpy(out, tags, TAG_PAGE_PACKED);
	return TAG_PAGE_PACKED;
}

/*
 * A page that is being put together has room behind it: stores reach behind the run that they
 * are for, where the next one will be.
 */
#define STORE_MORE 32
#define PAGE_ROOM  (TAG_PAGE_PACKED + 8 + STORE_MORE)

/* Runs that are written with so many bits are often longer than one store. */
#define MANY_BITS 8

/*
 * Puts the run @number, which has to fit, at @granule; @last is the word of the tag before it.
 * With @more, runs of up to 78 are nothing special. Returns the granule behind it.
 */
static inline unsigned int page_put(u8 *page, unsigned int granule, u64 last, unsigned int number,
				    bool more)
{
	u64 word = tag_word(number & RUN_TAG);
	/* The byte that the run before has half of keeps that. */
	u64 keep = (last ^ word) & (granule % 2 * RUN_TAG);
	u8 *to = page + granule / 2, *end;

	granule += number / RUN_REST + 1;
	end = page + (granule + 1) / 2;
	tag_store64(to, word ^ keep);
	to += 8;
	if (more) {
		for (unsigned int i = 0; i < STORE_MORE; i += 8)
			tag_store64(to + i, word);
		to += STORE_MORE;
	}
	for (; to < end; to += 8)
		tag_store64(to, word);
	return granule;
}

/*
 * The run at bit *@at of a body, @limit at most, of which TAG_BODY_ROOM bytes can be read; *@at
 * goes on. Returns its number, which may be too large for a page. What is read of it beyond
 * @limit means nothing; then *@at is beyond it too.
 */
static inline unsigned int rice_read(const u8 *in, unsigned int *at, unsigned int limit,
				     unsigned int low)
{
	u64 bits = tag_bits_at(in, *at);
	unsigned int quotient = 0, zeros;

	while (!(bits & GENMASK_ULL(TAG_ZEROS_MAX - 1, 0))) {
		quotient += TAG_ZEROS_MAX;
		*at += TAG_ZEROS_MAX;
		if (*at > limit)
			return 0;
		bits = tag_bits_at(in, *at);
	}
	zeros = (unsigned int)__builtin_ctzll(bits);
	*at += zeros + 1 + low;
	return (quotient + zeros) << low | (unsigned int)(bits >> (zeros + 1) & (BIT_ULL(low) - 1));
}

static inline unsigned int fixed_read(const u8 *in, unsigned int *at, unsigned int width)
{
	u64 bits = tag_bits_at(in, *at);

	*at += width;
	return (unsigned int)(bits & (BIT_ULL(width) - 1));
}

/* Is the run @number, which ended at bit @at, whole and in the page? */
static inline bool run_fits(unsigned int number, unsigned int granule, unsigned int at,
			    unsigned int limit)
{
	return at <= limit && number / RUN_REST < TAG_GRANULES - granule;
}

/* Return the bits of the runs that make up a page, or -EINVAL. */
static int rice_decode(const u8 *in, unsigned int limit, unsigned int low, u8 *page)
{
	unsigned int at = 0, granule = 0;
	u64 last = 0;

	while (granule < TAG_GRANULES) {
		unsigned int number = rice_read(in, &at, limit, low);

		if (!run_fits(number, granule, at, limit))
			return -EINVAL;
		granule = page_put(page, granule, last, number, low >= MANY_BITS);
		last = tag_word(number & RUN_TAG);
	}
	return (int)at;
}

static int fixed_decode(const u8 *in, unsigned int limit, unsigned int width, u8 *page)
{
	unsigned int at = 0, granule = 0;
	u64 last = 0;

	while (granule < TAG_GRANULES) {
		unsigned int number = fixed_read(in, &at, width);

		if (!run_fits(number, granule, at, limit))
			return -EINVAL;
		granule = page_put(page, granule, last, number, width >= MANY_BITS);
		last = tag_word(number & RUN_TAG);
	}
	return (int)at;
}

static int runs_decode(u8 head, const u8 *in, unsigned int limit, u8 *tags)
{
	u8 page[PAGE_ROOM];
	int bits;

	if (head < TAG_HEAD_FIXED)
		bits = rice_decode(in, limit, head - TAG_HEAD_RICE + TAG_RICE_MIN, page);
	else
		bits = fixed_decode(in, limit, head - TAG_HEAD_FIXED + TAG_FIXED_MIN, page);
	/* What fills up the last byte is zeros. */
	if (bits < 0 || (bits % 8 && in[bits / 8] >> bits % 8))
		return -EINVAL;
	memcpy(tags, page, TAG_PAGE_PACKED);
	return (bits + 7) / 8;
}

/* Where there is less behind the body than may be read. */
static noinline int last_runs_decode(u8 head, const u8 *in, unsigned int size, u8 *tags)
{
	u8 copy[TAG_BODY_ROOM] = { 0 };

	memcpy(copy, in, size);
	return runs_decode(head, copy, 8 * size < TAG_RUNS_BITS_MAX ? 8 * size : TAG_RUNS_BITS_MAX,
			   tags);
}

int tag_body_decode(u8 head, const u8 *in, unsigned int size, u8 *tags)
{
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
	if (size < TAG_BODY_ROOM)
		return last_runs_decode(head, in, size, tags);
	return runs_decode(head, in, TAG_RUNS_BITS_MAX, tags);
}
