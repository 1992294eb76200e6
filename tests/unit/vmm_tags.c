/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Files with tags, from bytes that nobody trusts: vmm/cmd/tags_file.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tags_file.h"

static const struct tags_layout layout = {
	.slots = { { 0x40000000, 0x40400000 }, { 0x80000000, 0x80003000 } },
	.count = 2,
};

/* Tags that are of all kinds: alike, in runs, and at random. */
static void batch_fill(struct tags_batch *batch, uint64_t gpa, unsigned int pages, uint64_t holds)
{
	unsigned char *at = batch->tags;

	memset(batch, 0, sizeof(*batch));
	batch->gpa = gpa;
	batch->pages = pages;
	batch->holds = holds;
	for (unsigned int page = 0; page < pages; page++) {
		if (!(holds >> page & 1))
			continue;
		for (unsigned int i = 0; i < 128; i++)
			at[i] = page % 3 == 0	? 0x55
				: page % 3 == 1 ? (unsigned char)(i / 16 * 0x11)
						: (unsigned char)((i * 2654435761U + page) >> 9);
		at += 128;
	}
}

struct memory {
	char *data;
	size_t size;
	FILE *file;
};

static void memory_open(struct memory *memory)
{
	memory->file = open_memstream(&memory->data, &memory->size);
	assert_non_null(memory->file);
}

static const struct {
	uint64_t gpa;
	unsigned int pages;
	uint64_t holds;
} batches[] = {
	{ 0x40000000, 64, 1 },
	{ 0x40040000, 64, UINT64_MAX },
	{ 0x403c0000, 64, UINT64_C(0x8000000000000001) },
	{ 0x80000000, 3, 6 },
};
#define BATCHES (sizeof(batches) / sizeof(batches[0]))

static void good_write(struct memory *memory)
{
	struct tags_batch batch;
	struct tags_file tags;

	memory_open(memory);
	assert_int_equal(tags_file_begin(&tags, memory->file, &layout), 0);
	for (size_t i = 0; i < BATCHES; i++) {
		batch_fill(&batch, batches[i].gpa, batches[i].pages, batches[i].holds);
		assert_int_equal(tags_file_add(&tags, &batch), 0);
		/* One without tags leaves no trace. */
		batch.holds = 0;
		assert_int_equal(tags_file_add(&tags, &batch), 0);
	}
	assert_int_equal(tags_file_end(&tags), 0);
	fclose(memory->file);
}

/* Reads to the end. Returns 0 or an error, which has been explained. */
static int read_all(const char *data, size_t size, struct tags_file *tags)
{
	FILE *file = fmemopen((void *)data, size, "r");
	struct tsr_why why = { "" };
	struct tags_batch batch;
	int got;

	assert_non_null(file);
	got = tags_file_open(tags, file, &why);
	if (!got)
		do
			got = tags_file_next(tags, &batch, &why);
		while (got > 0);
	assert_true(!got || strlen(why.text) > 20);
	fclose(file);
	return got;
}

static void test_round_trip(void **state)
{
	struct tags_batch batch, expected;
	struct memory memory;
	struct tags_file tags;
	struct tsr_why why;
	FILE *file;

	good_write(&memory);
	file = fmemopen(memory.data, memory.size, "r");
	assert_int_equal(tags_file_open(&tags, file, &why), 0);
	assert_int_equal(tags.layout.count, 2);
	assert_memory_equal(tags.layout.slots, layout.slots, 2 * sizeof(layout.slots[0]));
	for (size_t i = 0; i < BATCHES; i++) {
		size_t size = (size_t)__builtin_popcountll(batches[i].holds) * 128;

		assert_int_equal(tags_file_next(&tags, &batch, &why), 1);
		batch_fill(&expected, batches[i].gpa, batches[i].pages, batches[i].holds);
		assert_int_equal(batch.gpa, expected.gpa);
		assert_int_equal(batch.pages, expected.pages);
		assert_int_equal(batch.holds, expected.holds);
		assert_memory_equal(batch.tags, expected.tags, size);
	}
	assert_int_equal(tags_file_next(&tags, &batch, &why), 0);
	assert_int_equal(tags.holding, 1 + 64 + 2 + 2);
	assert_int_equal(tags.batches, BATCHES);
	assert_int_equal(tags.offset, memory.size);
	fclose(file);
	free(memory.data);
}

/* Each byte changed in each bit, and to some other values: refused, never taken. */
static void test_changed(void **state)
{
	struct memory memory;
	struct tags_file tags;

	good_write(&memory);
	assert_int_equal(read_all(memory.data, memory.size, &tags), 0);
	for (size_t at = 0; at < memory.size; at++)
		for (unsigned int change = 1; change < 256; change += change < 128 ? change : 127) {
			memory.data[at] = (char)(memory.data[at] ^ (char)change);
			if (read_all(memory.data, memory.size, &tags) != -EPROTO)
				fail_msg("byte %zu changed by 0x%x was taken", at, change);
			memory.data[at] = (char)(memory.data[at] ^ (char)change);
		}
	free(memory.data);
}

static void test_cut(void **state)
{
	struct memory memory;
	struct tags_file tags;

	good_write(&memory);
	for (size_t size = 1; size < memory.size; size++)
		if (read_all(memory.data, size, &tags) != -EPROTO)
			fail_msg("%zu bytes were taken", size);
	memory.data = realloc(memory.data, memory.size + 1);
	memory.data[memory.size] = 0;
	assert_int_equal(read_all(memory.data, memory.size + 1, &tags), -EPROTO);
	free(memory.data);
}

/* Whole and with right checksums, but no dump of a VM. */
static void test_nonsense(void **state)
{
	static const struct {
		struct tags_layout layout;
		struct {
			uint64_t gpa;
			unsigned int pages;
		} batches[2];
	} cases[] = {
		/* A batch outside of the slots, across an end, unaligned, twice, out of order. */
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0x3000, 1 } } },
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0, 1 } } },
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0x2000, 2 } } },
		{ { { { 0x1000, 0x3000 }, { 0x3000, 0x4000 } }, 2 }, { { 0x2000, 2 } } },
		{ { { { 0x1000, 0x3000 }, { 0x5000, 0x6000 } }, 2 }, { { 0x3000, 1 } } },
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0x1800, 1 } } },
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0x1000, 1 }, { 0x1000, 1 } } },
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0x2000, 1 }, { 0x1000, 1 } } },
		{ { { { 0x1000, 0x3000 } }, 1 }, { { 0x1000, 2 }, { 0x2000, 1 } } },
		/* Slots: none, empty, unaligned, overlapping, in disorder, too high. */
		{ { { { 0, 0 } }, 0 }, { { 0, 0 } } },
		{ { { { 0x1000, 0x1000 } }, 1 }, { { 0, 0 } } },
		{ { { { 0x1800, 0x3800 } }, 1 }, { { 0, 0 } } },
		{ { { { 0x1000, 0x3000 }, { 0x2000, 0x4000 } }, 2 }, { { 0, 0 } } },
		{ { { { 0x4000, 0x5000 }, { 0x1000, 0x2000 } }, 2 }, { { 0, 0 } } },
		{ { { { 0xffffffffff000, 0x10000000001000 } }, 1 }, { { 0, 0 } } },
		{ { { { 0x10000000000000, 0x10000000001000 } }, 1 }, { { 0, 0 } } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tags_batch batch;
		struct memory memory;
		struct tags_file tags;

		memory_open(&memory);
		tags_file_begin(&tags, memory.file, &cases[i].layout);
		for (size_t j = 0; j < 2 && cases[i].batches[j].pages; j++) {
			batch_fill(&batch, cases[i].batches[j].gpa, cases[i].batches[j].pages, 1);
			tags_file_add(&tags, &batch);
		}
		tags_file_end(&tags);
		fclose(memory.file);
		if (read_all(memory.data, memory.size, &tags) != -EPROTO)
			fail_msg("case %zu was taken", i);
		free(memory.data);
	}
}

/* A file of a later version says so, though all else about it may be new. */
static void test_version(void **state)
{
	static const char later[] = "TSRTAGS\n\2\0\0\0whatever it has";
	FILE *file = fmemopen((void *)later, sizeof(later), "r");
	struct tags_file tags;
	struct tsr_why why;

	assert_int_equal(tags_file_open(&tags, file, &why), -EPROTO);
	assert_non_null(strstr(why.text, "version 2"));
	fclose(file);
	assert_int_equal(read_all("#!/bin/sh\n", 10, &tags), -EPROTO);
	assert_int_equal(read_all("T", 1, &tags), -EPROTO);
}

static void test_no_room(void **state)
{
	struct tags_batch batch;
	struct tags_file tags;
	FILE *file = fopen("/dev/full", "w");

	setvbuf(file, NULL, _IONBF, 0);
	batch_fill(&batch, 0x40000000, 64, 1);
	assert_int_equal(tags_file_begin(&tags, file, &layout), -EIO);
	assert_int_equal(tags_file_add(&tags, &batch), -EIO);
	assert_int_equal(tags_file_end(&tags), -EIO);
	fclose(file);
	/* A folder opens, and cannot be read. */
	file = fopen("/", "r");
	assert_int_equal(tags_file_open(&tags, file, NULL), -EIO);
	fclose(file);
}

static void test_sort(void **state)
{
	struct tags_layout sorted = {
		.slots = { { 0x5000, 0x6000 }, { 0x1000, 0x2000 }, { 0x3000, 0x4000 } },
		.count = 3,
	};

	tags_layout_sort(&sorted);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(sorted.slots[i].start, 0x1000 + i * 0x2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_changed),
		cmocka_unit_test(test_cut),	   cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_version),	   cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_sort),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_tags", tests, NULL, NULL);
}
