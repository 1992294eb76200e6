/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Pages of region 1, private at first, become shared and private again at this guest's own wish:
 * zero each time, tags too, and seen by the VMM only while they are shared. Then one vCPU does
 * that over and over while the others use the same pages, and at last all do both. x0 rounds
 * (24 if 0).
 */
#include "guest.h"

#define PAGES	8
#define ROUNDS	24
#define SEED	23
#define HALF	(PAGE_SIZE / 2)
#define INVALID ((u64) - 3)

static struct barrier barrier;
static u64 base, rounds, ending;
static u64 not_zero, refused, lost, tags_lost;

static u64 share(u64 page)
{
	return (u64)smccc_call(SMCCC_MEM_SHARE, page, 0, 0);
}

static u64 unshare(u64 page)
{
	return (u64)smccc_call(SMCCC_MEM_UNSHARE, page, 0, 0);
}

/* How many words of [@at, @at + @size) are not zero. */
static u64 words_set(u64 at, u64 size)
{
	u64 set = 0;

	for (u64 end = at + size; at < end; at += sizeof(u64))
		set += mem_load64(at) != 0;
	return set;
}

static u64 tags_set(u64 at, u64 size)
{
	u64 set = 0;

	for (u64 end = at + size; at < end; at += MTE_GRANULE)
		set += mte_ldg(at) != 0;
	return set;
}

/* What the VMM finds at @at; true: it may look there. */
static bool seen(u64 at, u64 *value)
{
	control_write(CONTROL_LOOK, at);
	*value = control_read(CONTROL_LOOK);
	return !control_read(CONTROL_LOOK_ERROR);
}

static void test_calls(const struct ram *ram)
{
	const u64 bad[][3] = {
		{ base + 1, 0, 0 },  { base + HALF, 0, 0 }, { 0, 0, 0 },
		{ UART_BASE, 0, 0 }, { ram->end, 0, 0 },    { -(u64)PAGE_SIZE, 0, 0 },
		{ -(u64)1, 0, 0 },   { 1ull << 52, 0, 0 },  { base, 1, 0 },
		{ base, 0, 1 },
	};
	u64 taken = 0;

	tap_is((u64)smccc_call(SMCCC_MEM_INFO, 0, 0, 0), PAGE_SIZE, "a call is about 4096 bytes");
	tap_is((u64)smccc_call(SMCCC_MEM_INFO, 1, 0, 0), INVALID, "and takes no argument");
	for (u32 i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		taken += (u64)smccc_call(SMCCC_MEM_SHARE, bad[i][0], bad[i][1], bad[i][2]) !=
			 INVALID;
		taken += (u64)smccc_call(SMCCC_MEM_UNSHARE, bad[i][0], bad[i][1], bad[i][2]) !=
			 INVALID;
	}
	tap_is(taken, 0, "bad addresses and arguments are refused");
}

static void test_views(void)
{
	u64 page = base, value;

	tap_is(words_set(page, PAGE_SIZE), 0, "a private page is zero at first");
	mem_store64(page, SEED);
	tap_ok(!seen(page, &value) && value != SEED, "the VMM does not see it");
	tap_is(unshare(page), 0, "it is made private again");
	tap_is(mem_load64(page), SEED, "and keeps what it has");

	tap_is(share(page), 0, "it is shared");
	tap_is(words_set(page, PAGE_SIZE), 0, "and zero");
	mem_store64(page, SEED + 1);
	tap_ok(seen(page, &value) && value == SEED + 1, "the VMM sees what is stored there");
	tap_is(share(page), 0, "it is shared again");
	tap_is(mem_load64(page), SEED + 1, "and keeps what it has");

	tap_is(unshare(page), 0, "it is private");
	tap_is(words_set(page, PAGE_SIZE), 0, "and zero");
	tap_ok(!seen(page, &value), "the VMM does not see it any more");
	tap_is(share(page), 0, "and shared");
	tap_is(words_set(page, PAGE_SIZE), 0, "what was shared before is gone, too");
	tap_is(unshare(page), 0, "private in the end");
}

/* One page in the middle, both ways. */
static void test_neighbours(void)
{
	u64 middle = base + 3 * PAGE_SIZE, errors = 0;

	pattern_fill(base, PAGES * PAGE_SIZE, SEED);
	errors += share(middle);
	errors += pattern_errors(base, 3 * PAGE_SIZE, SEED);
	errors += pattern_errors(middle + PAGE_SIZE, (PAGES - 4) * PAGE_SIZE, SEED);
	errors += words_set(middle, PAGE_SIZE);
	pattern_fill(middle, PAGE_SIZE, SEED);
	errors += unshare(middle);
	errors += pattern_errors(base, 3 * PAGE_SIZE, SEED);
	errors += pattern_errors(middle + PAGE_SIZE, (PAGES - 4) * PAGE_SIZE, SEED);
	errors += words_set(middle, PAGE_SIZE);
	tap_is(errors, 0, "its neighbours keep what they have");
}

static void tag_page(u64 page, u64 tag)
{
	for (u64 at = page; at < page + PAGE_SIZE; at += MTE_GRANULE)
		mte_stg(mte_pointer(at, tag));
}

static void test_tags(void)
{
	u64 page = base + PAGE_SIZE;

	if (!mte_present())
		return;
	mte_on();
	tap_is(unshare(page) + tags_set(page, PAGE_SIZE), 0, "a private page has no tags at first");
	tag_page(page, 5);
	tap_is(mte_ldg(page) + mte_ldg(page + PAGE_SIZE - 1), 10, "it holds tags");
	tap_is(share(page) + tags_set(page, PAGE_SIZE), 0, "none are left when it is shared");
	tag_page(page, 6);
	tap_is(mte_ldg(page) + mte_ldg(page + PAGE_SIZE - 1), 12, "which holds tags");
	tap_is(unshare(page) + tags_set(page, PAGE_SIZE), 0, "and none when it is private");
	tag_page(page, 7);
	tap_is(share(page) + unshare(page) + tags_set(page, PAGE_SIZE), 0,
	       "nor when nobody used it in between");
}

/* The second half of each page is the converter's; what it finds there is its own, or zero. */
static void convert_all(u64 round)
{
	for (u64 p = 0; p < PAGES; p++) {
		u64 page = base + p * PAGE_SIZE;

		pattern_fill(page + HALF, HALF, round);
		refused += round % 2 ? unshare(page) : share(page);
		not_zero += words_set(page + HALF, HALF);
	}
}

/* A word and a granule of each page, which others do not touch: what was stored last, or zero. */
static void use_all(u64 index, u64 value)
{
	bool tags = mte_present();

	for (u64 p = 0; p < PAGES; p++) {
		u64 word = base + p * PAGE_SIZE + index * 2 * MTE_GRANULE;
		u64 granule = word + MTE_GRANULE, found;

		mem_store64(word, value);
		found = mem_load64(word);
		if (found != value && found)
			__atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
		if (!tags)
			continue;
		mte_stg(mte_pointer(granule, value % 15 + 1));
		found = mte_ldg(granule);
		if (found != value % 15 + 1 && found)
			__atomic_add_fetch(&tags_lost, 1, __ATOMIC_RELAXED);
	}
}

static void run_beside(u64 index)
{
	if (mte_present())
		mte_on();
	barrier_wait(&barrier);
	if (!index) {
		for (u64 round = 0; round < 2 * rounds; round++)
			convert_all(round);
		__atomic_store_n(&ending, 1, __ATOMIC_RELEASE);
	}
	for (u64 value = 1; index && !__atomic_load_n(&ending, __ATOMIC_ACQUIRE); value++)
		use_all(index, index << 32 | value);
}

/* All convert what all use, each in an order of its own. */
static void run_together(u64 index)
{
	if (mte_present())
		mte_on();
	barrier_wait(&barrier);
	for (u64 round = 0; round < rounds; round++) {
		for (u64 p = 0; p < PAGES; p++) {
			u64 page = base + pattern(p, round * 8 + index) % PAGES * PAGE_SIZE;
			u64 failed = pattern(page, round + index) % 2 ? unshare(page) : share(page);

			if (failed)
				__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
		}
		use_all(index, index << 32 | (round + 1));
	}
}

static void test_together(void)
{
	u64 value, errors = 0;

	barrier.members = cpu_count();
	cpu_run_all(run_beside);
	tap_is(refused, 0, "%lu conversions, %u other vCPUs", 2 * rounds * PAGES, cpu_count() - 1);
	tap_is(not_zero, 0, "each page is zero after each");
	tap_is(lost, 0, "beside it each vCPU finds what it stored, or zero");
	tap_is(tags_lost, 0, "of tags too");
	cpu_run_all(run_together);
	tap_is(refused, 0, "all vCPUs convert the same pages");
	tap_is(lost + tags_lost, 0, "and find what they stored, or zero");
	for (u64 p = 0; p < PAGES; p++)
		errors += share(base + p * PAGE_SIZE) || !seen(base + p * PAGE_SIZE, &value);
	tap_is(errors, 0, "the VMM sees them all once they are shared");
}

u64 main(u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram = ram_need(1, PAGES);
	u64 features = smccc_call_all(SMCCC_VENDOR_FEATURES, 0, 0, 0).x[0];

	if ((features & SMCCC_VENDOR_MEM) != SMCCC_VENDOR_MEM)
		tap_skip_all("no memory of this VM may be private");
	base = ram.base;
	rounds = a ? a : ROUNDS;
	test_calls(&ram);
	test_views();
	test_neighbours();
	test_tags();
	test_together();
	return tap_done();
}
