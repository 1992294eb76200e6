/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All vCPUs store tags on one page at once, from its first tag on. Granules that lie
 * side by side belong to different vCPUs, and hardware may keep their tags in one byte:
 * none is lost, and the data stays. Where all store to the same granules, each by an
 * instruction of its own, one of their tags is there. x0 pages of region 1 (12 if 0).
 */
#include "guest.h"

#define PAGES	 12
#define TURNS	 21 /* odd beside 16: each granule's tag changes */
#define GRANULES (PAGE_SIZE / MTE_GRANULE)
#define SEED	 17

static struct barrier barrier;
static u64 base, pages, wrong_at_once;

/* Each tag that is there is one more than the last. */
static void count_up(u64 page, u64 index)
{
	for (u64 turn = 0; turn < TURNS; turn++) {
		for (u64 i = index; i < GRANULES; i += barrier.members) {
			u64 at = page + i * MTE_GRANULE;

			if (mte_ldg(at) != turn % 16)
				__atomic_add_fetch(&wrong_at_once, 1, __ATOMIC_RELAXED);
			mte_stg(mte_pointer(at, turn + 1));
		}
	}
}

static void run_apart(u64 index)
{
	mte_on();
	for (u64 p = 0; p < pages; p++) {
		barrier_wait(&barrier);
		count_up(base + p * PAGE_SIZE, index);
	}
}

/* The tag of vCPU @index, to the whole page. */
static void tag_page(u64 page, u64 index)
{
	u64 tag = index + 1, step = MTE_GRANULE;

	for (u64 at = page; at < page + PAGE_SIZE; at += step) {
		switch (index % 4) {
		case 0:
			mte_stg(mte_pointer(at, tag));
			break;
		case 1:
			step = 2 * MTE_GRANULE;
			mte_st2g(mte_pointer(at, tag));
			break;
		case 2:
			step = mte_zva_size();
			mte_dc_gva(mte_pointer(at, tag));
			break;
		default:
			step = mte_block_size();
			mte_stgm(at, tag * 0x1111111111111111);
			break;
		}
	}
}

static void run_together(u64 index)
{
	mte_on();
	for (u64 p = 0; p < pages; p++) {
		barrier_wait(&barrier);
		tag_page(base + p * PAGE_SIZE, index);
	}
}

static u64 tags_outside(u64 least, u64 most)
{
	u64 wrong = 0;

	for (u64 i = 0; i < pages * GRANULES; i++) {
		u64 tag = mte_ldg(base + i * MTE_GRANULE);

		wrong += tag < least || tag > most;
	}
	return wrong;
}

u64 main(u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;

	mte_need();
	pages = a ? a : PAGES;
	ram = ram_need(1, 2 * pages);
	base = ram.base;
	barrier.members = cpu_count();
	cpu_run_all(run_apart);
	tap_is(wrong_at_once, 0, "no vCPU finds another's tag in its granules");
	tap_is(tags_outside(TURNS % 16, TURNS % 16), 0, "no tag is lost, %lu pages", pages);
	base += pages * PAGE_SIZE;
	pattern_fill(base, pages * PAGE_SIZE, SEED);
	cpu_run_all(run_together);
	tap_is(tags_outside(1, cpu_count()), 0, "of tags for the same granule one is there");
	tap_is(pattern_errors(base, pages * PAGE_SIZE, SEED), 0, "and the data stays");
	return tap_done();
}
