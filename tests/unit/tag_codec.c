// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The codec, against what docs/tags-format.md says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tag_pages.h"
#include "tag/edges.h"

#define PAGE	     TAG_PAGE_PACKED
#define PAGES	     TAG_BATCH_PAGES
#define RICE	     16
#define FIXED	     22
#define RAW	     30
#define NONE	     31
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Runs of a length, 0 for 256, and a tag, repeated until the page is full. */
struct vector {
	const char *what;
	u8 runs[16];
	u8 runs_size;
	u8 head;
	u8 body[10];
	u8 body_size;
	u8 body_times;
};

static const struct vector vectors[] = {
	{ "zero", { 0, 0 }, 2, 0x00, { 0 }, 0, 0 },
	{ "uniform", { 0, 7 }, 2, 0x07, { 0 }, 0, 0 },
	{ "1 and 255", { 1, 1, 255, 2 }, 4, 0x1d, { 0x01, 0x20, 0xfe }, 3, 1 },
	{ "halves", { 128, 1, 128, 2 }, 4, 0x1c, { 0xf1, 0x97, 0x3f }, 3, 1 },
	{ "quarters",
	  { 64, 3, 64, 4, 64, 5, 64, 6 },
	  8,
	  0x1b,
	  { 0xf3, 0xd3, 0x5f, 0xbf, 0xfd },
	  5,
	  1 },
	{ "long, then short",
	  { 250, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 7 },
	  14,
	  0x14,
	  { 0x00, 0x80, 0x91, 0x05, 0x0e, 0x24, 0x58, 0xd0, 0xe0, 0x01 },
	  10,
	  1 },
	{ "pairs", { 2, 0, 2, 15 }, 4, 0x16, { 0xf0, 0xc3, 0x0f, 0x3f, 0xfc }, 5, 16 },
	{ "nothing alike",
	  { 1, 0, 1, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1, 6, 1, 7 },
	  16,
	  0x1e,
	  { 0x10, 0x32, 0x54, 0x76 },
	  4,
	  32 },
};

static void fill(u8 *tags, const u8 *runs, unsigned int runs_size)
{
	unsigned int granule = 0;

	for (unsigned int i = 0; granule < TAG_GRANULES; i = (i + 2) % runs_size) {
		unsigned int length = runs[i] ? runs[i] : TAG_GRANULES;

		while (length-- && granule < TAG_GRANULES)
			tags_put(tags, granule++, runs[i + 1]);
	}
}

static void known_pages(void **state)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const struct vector *v = &vectors[i];
		u8 tags[PAGE], out[TAG_PAGE_ROOM], back[PAGE];
		unsigned int size = 1 + v->body_size * v->body_times;

		fill(tags, v->runs, v->runs_size);
		if (tag_page_encode(tags, out) != size || out[0] != v->head)
			fail_msg("%s: not %u bytes, or not head %u", v->what, size, v->head);
		for (unsigned int n = 0; n < v->body_times; n++)
			assert_memory_equal(out + 1 + n * v->body_size, v->body, v->body_size);
		assert_int_equal(tag_page_decode(out, size, back), size);
		assert_memory_equal(back, tags, PAGE);
	}
}

/* --- The format once more, slowly. --- */

struct bits {
	u8 bytes[PAGE + 8];
	unsigned int count;
};

static void bits_add(struct bits *bits, unsigned int value, unsigned int width)
{
	while (width--) {
		bits->bytes[bits->count / 8] |= (value & 1) << bits->count % 8;
		bits->count++;
		value >>= 1;
	}
}

struct lengths {
	unsigned int count, rest[TAG_GRANULES], tag[TAG_GRANULES], widest;
};

static void lengths_of(const u8 *tags, struct lengths *l)
{
	memset(l, 0, sizeof(*l));
	for (unsigned int i = 0; i < TAG_GRANULES; i++) {
		if (!i || tags_get(tags, i) != tags_get(tags, i - 1)) {
			l->tag[l->count++] = tags_get(tags, i);
			continue;
		}
		if (++l->rest[l->count - 1] > l->widest)
			l->widest = l->rest[l->count - 1];
	}
}

static unsigned int slow_rice_low(unsigned int count)
{
	unsigned int low = 5;

	while (low && count << low > 177)
		low--;
	return low;
}

static unsigned int slow_width(unsigned int value)
{
	unsigned int width = 0;

	while (value >> width)
		width++;
	return width;
}

static unsigned int rice_bits(const struct lengths *l, unsigned int low)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < l->count; i++)
		bits += (l->rest[i] >> low) + 1 + low + 4;
	return bits;
}

/* What docs/tags-format.md has the encoder write. */
static unsigned int slow_encode(const u8 *tags, u8 *out)
{
	struct bits bits = { .count = 0 };
	struct lengths l;
	unsigned int rice, fixed, low, width;
	bool use_fixed;

	lengths_of(tags, &l);
	if (l.count == 1) {
		out[0] = (u8)l.tag[0];
		return 1;
	}
	low = slow_rice_low(l.count);
	width = slow_width(l.widest);
	rice = rice_bits(&l, low);
	fixed = l.count * (width + 4);
	use_fixed = fixed <= rice;
	if ((use_fixed ? fixed : rice) > 1016 || !width) {
		out[0] = RAW;
		memcpy(out + 1, tags, PAGE);
		return 1 + PAGE;
	}
	out[0] = (u8)(use_fixed ? FIXED - 1 + width : RICE + low);
	for (unsigned int i = 0; i < l.count; i++) {
		if (!use_fixed) {
			bits_add(&bits, 0, l.rest[i] >> low);
			bits_add(&bits, 1, 1);
		}
		bits_add(&bits, l.tag[i], 4);
		bits_add(&bits, l.rest[i], use_fixed ? width : low);
	}
	memcpy(out + 1, bits.bytes, (bits.count + 7) / 8);
	return 1 + (bits.count + 7) / 8;
}

static unsigned int heads_seen[32];

/* Written as the format says, and read back; nothing is read or written outside. */
static void check_page(const u8 *tags)
{
	u8 wanted[TAG_PAGE_ROOM], back[PAGE];
	u8 *out = malloc(TAG_PAGE_ROOM), *in;
	unsigned int size, wanted_size = slow_encode(tags, wanted);

	assert_non_null(out);
	size = tag_page_encode(tags, out);
	assert_int_equal(size, wanted_size);
	assert_memory_equal(out, wanted, size);
	assert_in_range(size, 1, TAG_PAGE_MAX);
	in = malloc(size);
	assert_non_null(in);
	memcpy(in, out, size);
	assert_int_equal(tag_page_decode(in, size, back), size);
	assert_memory_equal(back, tags, PAGE);
	/* More behind it makes no difference. */
	memset(out + size, 0xff, TAG_PAGE_ROOM - size);
	memset(back, 0, PAGE);
	assert_int_equal(tag_page_decode(out, TAG_PAGE_ROOM, back), size);
	assert_memory_equal(back, tags, PAGE);
	heads_seen[in[0]]++;
	free(in);
	free(out);
}

static void check_edges(const u8 *tags)
{
	struct tag_edges edges, portable;

	tag_edges(tags, &edges);
	tag_edges_portable(tags, &portable);
	for (unsigned int i = 0; i < TAG_GRANULES; i++) {
		bool edge = !i || tags_get(tags, i) != tags_get(tags, i - 1);

		assert_int_equal(edges.word[i / 64] >> i % 64 & 1, edge);
	}
	assert_memory_equal(&edges, &portable, sizeof(edges));
}

static void edges_of_pages(void **state)
{
	struct tag_source source = { .random = 7 };
	u8 tags[PAGE];

	for (unsigned int i = 0; i < 2000; i++) {
		tag_source_page(&source, i % TAGS_KINDS, tags);
		check_edges(tags);
	}
	/* One tag that differs from its neighbours in one bit. */
	for (unsigned int i = 0; i < TAG_GRANULES * 4; i++) {
		memset(tags, i % 2 ? 0xff : 0, PAGE);
		tags[i / 8] ^= 1 << i % 8;
		check_edges(tags);
	}
}

static void page_boundaries(void **state)
{
	u8 tags[PAGE];

	for (unsigned int at = 0; at < TAG_GRANULES; at++) {
		for (unsigned int length = 1; at + length <= TAG_GRANULES;
		     length += 1 + length / 9) {
			memset(tags, 0x33, PAGE);
			for (unsigned int i = at; i < at + length; i++)
				tags_put(tags, i, 0xc);
			check_page(tags);
		}
	}
}

static void page_every_tag(void **state)
{
	u8 tags[PAGE];

	for (unsigned int a = 0; a < 16; a++) {
		for (unsigned int b = 0; b < 16; b++) {
			for (unsigned int length = 1; length < 130; length += length) {
				u8 runs[4] = { (u8)length, (u8)a, (u8)(length + 1), (u8)b };

				fill(tags, runs, 4);
				check_page(tags);
			}
		}
	}
}

/* As many runs as matter: @count of one granule each, at the beginning, and a long one. */
static void page_run_counts(void **state)
{
	u8 tags[PAGE];

	for (unsigned int count = 0; count < TAG_GRANULES; count++) {
		memset(tags, 0, PAGE);
		for (unsigned int i = 0; i < count; i++)
			tags_put(tags, i, 1 + i % 15);
		check_page(tags);
		/* The same number, spread over the page. */
		for (unsigned int i = 0; count && i < TAG_GRANULES; i++)
			tags_put(tags, i, i * (count + 1) / TAG_GRANULES % 16);
		check_page(tags);
	}
}

static void pages_at_random(void **state)
{
	struct tag_source source = { .random = 3 };
	u8 tags[PAGE];

	for (unsigned int i = 0; i < 40000; i++) {
		tag_source_page(&source, i % TAGS_KINDS, tags);
		check_page(tags);
	}
	for (unsigned int head = 0; head < NONE; head++) {
		if (!heads_seen[head])
			fail_msg("no page was written with head %u", head);
	}
}

/* The same bytes, whatever the machine and its vectors. */
static void pages_sum(void **state)
{
	u64 sum = tag_pages_sum(TAG_PAGES_COUNT);

	if (sum != TAG_PAGES_SUM)
		fail_msg("the sum of the pages is 0x%llx", sum);
}

/* --- What is refused. --- */

static void refuse_page(const u8 *bytes, unsigned int size, const char *what)
{
	u8 *in = malloc(size ? size : 1);
	u8 tags[PAGE];

	assert_non_null(in);
	memcpy(in, bytes, size);
	memset(tags, 0xa5, PAGE);
	if (tag_page_decode(in, size, tags) != -EINVAL)
		fail_msg("%s: not refused", what);
	for (unsigned int i = 0; i < PAGE; i++)
		assert_int_equal(tags[i], 0xa5);
	free(in);
}

static void pages_cut_short(void **state)
{
	struct tag_source source = { .random = 11 };
	u8 tags[PAGE], out[TAG_PAGE_ROOM];

	for (unsigned int i = 0; i < 20 * TAGS_KINDS; i++) {
		unsigned int size;

		tag_source_page(&source, i % TAGS_KINDS, tags);
		size = tag_page_encode(tags, out);
		for (unsigned int part = 0; part < size; part++)
			refuse_page(out, part, "a part of a page");
	}
}

/* A body of runs, the last of which may not fit: each @rest with @tag; then @more ones. */
static unsigned int body_of(u8 head, const u16 *rests, unsigned int count, u8 *out)
{
	struct bits bits = { .count = 0 };
	unsigned int low = head < FIXED ? head - 16U : head - 21U;

	for (unsigned int i = 0; i < count; i++) {
		if (head < FIXED) {
			bits_add(&bits, 0, rests[i] >> low);
			bits_add(&bits, 1, 1);
		}
		bits_add(&bits, i % 16, 4);
		bits_add(&bits, rests[i], low);
	}
	out[0] = head;
	memcpy(out + 1, bits.bytes, (bits.count + 7) / 8);
	return 1 + (bits.count + 7) / 8;
}

static void pages_refused(void **state)
{
	u8 bytes[TAG_PAGE_ROOM] = { 0 };
	u16 rests[TAG_GRANULES] = { 0 };
	unsigned int size;

	for (unsigned int first = NONE; first < 256; first++) {
		bytes[0] = (u8)first;
		refuse_page(bytes, sizeof(bytes), "no head, or no tags");
	}
	/* What a number of 14 bits would be. */
	bytes[0] = NONE;
	bytes[1] = 0xf0;
	bytes[2] = 0x0f;
	refuse_page(bytes, sizeof(bytes), "no tags, and a run");
	/* Quotients that do not end. */
	memset(bytes, 0, sizeof(bytes));
	for (u8 head = RICE; head < FIXED; head++) {
		bytes[0] = head;
		refuse_page(bytes, sizeof(bytes), "zeros without an end");
		refuse_page(bytes, 100, "zeros without an end, cut short");
	}
	/* One granule too many, in the first run, and in the last. */
	rests[0] = 256;
	size = body_of(RICE + 5, rests, 1, bytes);
	refuse_page(bytes, size, "a run of 257");
	rests[0] = 200;
	rests[1] = 55;
	size = body_of(FIXED + 7, rests, 2, bytes);
	refuse_page(bytes, size, "201 and 56");
	rests[1] = 54;
	size = body_of(FIXED + 7, rests, 2, bytes);
	assert_int_equal(tag_page_decode(bytes, size, bytes + 8), size);
	/* What fills up the last byte. */
	rests[0] = 255;
	size = body_of(FIXED + 7, rests, 1, bytes);
	assert_int_equal(size, 3);
	for (unsigned int bit = 4; bit < 8; bit++) {
		bytes[2] ^= 1 << bit;
		refuse_page(bytes, size, "a bit behind the last run");
		bytes[2] ^= 1 << bit;
	}
}

/* 1,016 bits are taken, more are not, though the page would be whole. */
static void page_bits_limit(void **state)
{
	u8 bytes[1 + PAGE + 8] = { 0 }, tags[PAGE];
	u16 rests[TAG_GRANULES] = { 0 };
	unsigned int size;

	/* 4 n + 256 bits: 190 runs are the most, then 191. */
	rests[0] = 256 - 190;
	size = body_of(RICE, rests, 190, bytes);
	assert_int_equal(size, 128);
	assert_int_equal(tag_page_decode(bytes, sizeof(bytes), tags), 128);
	rests[0] = 256 - 191;
	size = body_of(RICE, rests, 191, bytes);
	assert_int_equal(size, 129);
	refuse_page(bytes, size, "a body of 1,020 bits");
	refuse_page(bytes, sizeof(bytes), "a body of 1,020 bits, and more behind it");
}

/* Not what the encoder writes, but the format allows it. */
static void pages_unusual(void **state)
{
	u8 bytes[TAG_PAGE_ROOM], tags[PAGE], out[TAG_PAGE_ROOM];
	u16 rests[TAG_GRANULES] = { 0 };
	unsigned int size;

	rests[0] = 255;
	for (u8 head = RICE; head < RAW; head++) {
		if (head >= FIXED && head < FIXED + 7)
			continue;
		size = body_of(head, rests, 1, bytes);
		assert_int_equal(tag_page_decode(bytes, size, tags), size);
		assert_int_equal(tag_page_encode(tags, out), 1);
		assert_int_equal(out[0], 0);
	}
	bytes[0] = RAW;
	memset(bytes + 1, 0x55, PAGE);
	assert_int_equal(tag_page_decode(bytes, 1 + PAGE, tags), 1 + PAGE);
	assert_int_equal(tag_page_encode(tags, out), 1);
	assert_int_equal(out[0], 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_pages),	   cmocka_unit_test(edges_of_pages),
		cmocka_unit_test(page_boundaries), cmocka_unit_test(page_every_tag),
		cmocka_unit_test(page_run_counts), cmocka_unit_test(pages_at_random),
		cmocka_unit_test(pages_sum),	   cmocka_unit_test(pages_cut_short),
		cmocka_unit_test(pages_refused),   cmocka_unit_test(page_bits_limit),
		cmocka_unit_test(pages_unusual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
