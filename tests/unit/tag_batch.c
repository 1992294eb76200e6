// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Batches of the tag codec, against what docs/tags-format.md says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tag_pages.h"

#define PAGE	   TAG_PAGE_PACKED
#define PAGES	   TAG_BATCH_PAGES
#define OTHERS	   0x80
#define UNTOUCHED  0x123456789abcdefULL
#define HEAD_COUNT 32

/* Pages that are tried, with room for what a decoder must not write. */
struct batch {
	unsigned int pages;
	u64 holds;
	unsigned int held;
	u8 tags[(PAGES + 1) * PAGE];
};

static void batch_add(struct batch *b, const u8 *tags)
{
	if (tags) {
		memcpy(b->tags + PAGE * b->held++, tags, PAGE);
		b->holds |= BIT_ULL(b->pages);
	}
	b->pages++;
}

static void batch_add_random(struct batch *b, struct tag_source *source, unsigned int kind)
{
	u8 tags[PAGE];

	if (kind >= TAGS_KINDS) {
		batch_add(b, NULL);
		return;
	}
	tag_source_page(source, kind, tags);
	batch_add(b, tags);
}

/* The heads come one by one from the bodies, which a page alone has as well. */
static unsigned int slow_encode(const struct batch *b, u8 *out)
{
	u8 alone[PAGES][TAG_PAGE_ROOM], bits[PAGES] = { 0 };
	unsigned int sizes[PAGES], times[HEAD_COUNT] = { 0 }, size = 1, count = 0, held = 0;
	u8 common = 0;

	for (unsigned int i = 0; i < b->pages; i++) {
		alone[i][0] = HEAD_COUNT - 1;
		sizes[i] = 1;
		if (b->holds >> i & 1)
			sizes[i] = tag_page_encode(b->tags + PAGE * held++, alone[i]);
		times[alone[i][0]]++;
	}
	for (u8 head = 0; head < HEAD_COUNT; head++)
		common = times[head] > times[common] ? head : common;
	out[0] = common;
	if (times[common] < b->pages) {
		out[0] |= OTHERS;
		size += (b->pages + 7) / 8;
		memset(out + 1, 0, size - 1);
		for (unsigned int i = 0; i < b->pages; i++) {
			if (alone[i][0] == common)
				continue;
			out[1 + i / 8] |= 1 << i % 8;
			for (unsigned int bit = 0; bit < 5; bit++, count++)
				bits[count / 8] |= (alone[i][0] >> bit & 1) << count % 8;
		}
		memcpy(out + size, bits, (count + 7) / 8);
		size += (count + 7) / 8;
	}
	for (unsigned int i = 0; i < b->pages; i++) {
		memcpy(out + size, alone[i] + 1, sizes[i] - 1);
		size += sizes[i] - 1;
	}
	return size;
}

static void check_decode(const struct batch *b, const u8 *in, unsigned int size, unsigned int took)
{
	struct batch back;

	memset(&back, 0x5a, sizeof(back));
	assert_int_equal(tag_batch_decode(in, size, b->pages, &back.holds, back.tags), took);
	assert_int_equal(back.holds, b->holds);
	assert_memory_equal(back.tags, b->tags, PAGE * b->held);
	assert_int_equal(back.tags[PAGE * b->held], 0x5a);
}

/* Returns the bytes that it took. */
static unsigned int check_batch(const struct batch *b)
{
	u8 wanted[TAG_BATCH_ROOM + 64];
	u8 *out = malloc(TAG_BATCH_ROOM), *in;
	unsigned int size, wanted_size = slow_encode(b, wanted);

	assert_non_null(out);
	size = tag_batch_encode(b->tags, b->holds, b->pages, out);
	assert_int_equal(size, wanted_size);
	assert_memory_equal(out, wanted, size);
	assert_in_range(size, 1, TAG_BATCH_MAX(b->pages));
	in = malloc(size);
	assert_non_null(in);
	memcpy(in, out, size);
	check_decode(b, in, size, size);
	memset(out + size, 0xff, TAG_BATCH_ROOM - size);
	check_decode(b, out, TAG_BATCH_ROOM, size);
	free(in);
	free(out);
	return size;
}

static void known_batches(void **state)
{
	static const u8 mixed[] = { 0x80, 0x0a, 0xff, 0x00 };
	struct batch zeros = { 0 }, b = { 0 };
	u8 zero[PAGE] = { 0 }, sevens[PAGE], out[TAG_BATCH_ROOM];

	memset(sevens, 0x77, PAGE);
	for (unsigned int i = 0; i < 4; i++)
		batch_add(&zeros, zero);
	assert_int_equal(tag_batch_encode(zeros.tags, zeros.holds, 4, out), 1);
	assert_int_equal(out[0], 0);
	batch_add(&b, zero);
	batch_add(&b, NULL);
	batch_add(&b, zero);
	batch_add(&b, sevens);
	assert_int_equal(tag_batch_encode(b.tags, b.holds, 4, out), sizeof(mixed));
	assert_memory_equal(out, mixed, sizeof(mixed));
	check_batch(&b);
}

/* Each number of pages, of one kind, and of all. */
static void batches_of_each_size(void **state)
{
	struct tag_source source = { .random = 17 };

	for (unsigned int pages = 1; pages <= PAGES; pages++) {
		for (unsigned int kind = 0; kind <= TAGS_KINDS + 1; kind++) {
			struct batch b = { 0 };

			while (b.pages < pages)
				batch_add_random(&b, &source,
						 kind <= TAGS_KINDS ? kind : b.pages % (kind + 1));
			check_batch(&b);
		}
	}
}

/* One page that differs, at each place. */
static void batches_with_an_odd_page(void **state)
{
	struct tag_source source = { .random = 23 };

	for (unsigned int i = 0; i < PAGES * PAGES; i++) {
		unsigned int place = i % PAGES, pages = place + 1 + i / PAGES * 7 % PAGES;
		unsigned int odd = i % (TAGS_KINDS + 1), even = i / 3 % (TAGS_KINDS + 1);
		struct batch b = { 0 };

		while (b.pages < PAGES && b.pages < pages)
			batch_add_random(&b, &source, b.pages == place ? odd : even);
		check_batch(&b);
	}
}

/* The sizes that are promised. */
static void batch_sizes(void **state)
{
	struct tag_source source = { .random = 29 };
	struct batch none = { 0 }, raw = { 0 }, sparse = { 0 };

	while (none.pages < PAGES) {
		batch_add(&none, NULL);
		batch_add_random(&raw, &source, TAGS_RANDOM);
		batch_add_random(&sparse, &source, sparse.pages == 40 ? TAGS_UNIFORM : TAGS_KINDS);
	}
	assert_int_equal(check_batch(&none), 1);
	assert_int_equal(check_batch(&raw), 1 + PAGES * PAGE);
	assert_int_equal(check_batch(&sparse), 1 + PAGES / 8 + 1);
}

/* --- What is refused. --- */

static void refuse(const u8 *bytes, unsigned int size, unsigned int pages, const char *what)
{
	u8 tags[PAGES * PAGE];
	u8 *in = malloc(size ? size : 1);
	u64 holds = UNTOUCHED;

	assert_non_null(in);
	memcpy(in, bytes, size);
	if (tag_batch_decode(in, size, pages, &holds, tags) != -EINVAL)
		fail_msg("%s, %u bytes: not refused", what, size);
	assert_true(holds == UNTOUCHED);
	free(in);
}

static void batches_cut_short(void **state)
{
	struct tag_source source = { .random = 31 };
	u8 out[TAG_BATCH_ROOM];

	for (unsigned int pages = 1; pages <= PAGES; pages += 9) {
		struct batch b = { 0 };
		unsigned int size;

		while (b.pages < pages)
			batch_add_random(&b, &source, b.pages % (TAGS_KINDS + 1));
		size = tag_batch_encode(b.tags, b.holds, pages, out);
		for (unsigned int part = 0; part < size; part++)
			refuse(out, part, pages, "a part of a batch");
	}
}

static void fronts_refused(void **state)
{
	u8 bytes[256] = { 0 };

	for (unsigned int bits = 0x20; bits < 0x80; bits += 0x20) {
		bytes[0] = (u8)bits;
		refuse(bytes, sizeof(bytes), 4, "bits 6:5 of the first byte");
	}
	bytes[0] = OTHERS;
	refuse(bytes, sizeof(bytes), 4, "a bitmap of zeros");
	refuse(bytes, sizeof(bytes), 64, "a bitmap of zeros");
	for (unsigned int bit = 4; bit < 8; bit++) {
		bytes[1] = (u8)(1 | 1 << bit);
		refuse(bytes, sizeof(bytes), 4, "a page that the batch has not");
	}
	bytes[1] = 1;
	for (unsigned int bit = 5; bit < 8; bit++) {
		bytes[2] = (u8)(1 << bit);
		refuse(bytes, sizeof(bytes), 4, "a bit behind the heads");
	}
	/* An own head that is the common one, or rarer than it, is allowed. */
	bytes[2] = 0;
	check_decode(&(struct batch){ .pages = 4, .holds = 0xf, .held = 4 }, bytes, 3, 3);
}

static void bodies_refused(void **state)
{
	/* Page 1 of 2 has runs with a quotient without an end; then runs of 201 and 56. */
	u8 endless[200] = { OTHERS, 2, 16 };
	static const u8 beyond[] = { 29, 0x81, 0x2c, 0x37 };

	refuse(endless, sizeof(endless), 2, "zeros without an end");
	refuse(beyond, sizeof(beyond), 1, "201 and 56 granules");
}

/* Whatever bit is wrong: refused, or a batch, which comes back when it is encoded. */
static void batches_with_a_wrong_bit(void **state)
{
	struct tag_source source = { .random = 37 };
	u8 out[TAG_BATCH_ROOM];
	unsigned int refused = 0, taken = 0;

	for (unsigned int i = 0; i < 3000; i++) {
		struct batch b = { .pages = 0 }, back = { .pages = 0 };
		unsigned int size, pages = 1 + i % 8;
		u8 *in;
		int took;

		while (b.pages < pages)
			batch_add_random(&b, &source, (b.pages + i / 8) % (TAGS_KINDS + 1));
		size = tag_batch_encode(b.tags, b.holds, pages, out);
		in = malloc(size);
		assert_non_null(in);
		memcpy(in, out, size);
		in[tag_source_number(&source, size)] ^= 1 << tag_source_number(&source, 8);
		back.pages = pages;
		took = tag_batch_decode(in, size, pages, &back.holds, back.tags);
		free(in);
		if (took < 0) {
			refused++;
			continue;
		}
		taken++;
		back.held = (unsigned int)__builtin_popcountll(back.holds);
		check_batch(&back);
	}
	assert_true(refused > 300 && taken > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_batches),
		cmocka_unit_test(batches_of_each_size),
		cmocka_unit_test(batches_with_an_odd_page),
		cmocka_unit_test(batch_sizes),
		cmocka_unit_test(batches_cut_short),
		cmocka_unit_test(fronts_refused),
		cmocka_unit_test(bodies_refused),
		cmocka_unit_test(batches_with_a_wrong_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
