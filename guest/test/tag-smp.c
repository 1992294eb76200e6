/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * All vCPUs store data and tags on the same pages of region 1 at once, while these
 * are being promoted: no store is lost, none is torn, and each promotion happens
 * once. x0 pages (64 if 0), x1 stores to each word (40 if 0).
 *
 * Layout of a page: vCPU i has eight counters at i * 128, and four granules at
 * 0x400 + i * 64, whose first words are counters too. Bytes 0x800 and up are the
 * VMM's: its own writers may be at work there.
 */
#include "guest.h"

#define DEFAULT_PAGES  64
#define DEFAULT_STORES 40
#define COUNTERS       8
#define COUNTER_SPACE  128
#define GRANULES       4
#define GRANULES_AT    0x400
#define GRANULE_SPACE  (GRANULES * MTE_GRANULE)

static struct barrier barrier;
static struct ram ram;
static u64 pages, stores, bad_tags_at_once;

static u64 counter_at(u64 page, u64 index, u32 i)
{
	return page + index * COUNTER_SPACE + i * sizeof(u64);
}

static u64 granule_at(u64 page, u64 index, u32 i)
{
	return page + GRANULES_AT + index * GRANULE_SPACE + i * MTE_GRANULE;
}

static u64 tag_for(u64 index, u32 granule, u64 turn)
{
	return (index * 5 + granule + turn) % 16;
}

static void add_one(u64 at)
{
	mem_store64(at, mem_load64(at) + 1);
}

static void turn_on_page(u64 page, u64 index, u64 turn)
{
	for (u32 i = 0; i < COUNTERS; i++)
		add_one(counter_at(page, index, i));
	for (u32 i = 0; i < GRANULES; i++) {
		u64 at = granule_at(page, index, i);

		add_one(at);
		mte_stg(mte_pointer(at, tag_for(index, i, turn)));
		if (mte_ldg(at) != tag_for(index, i, turn))
			__atomic_add_fetch(&bad_tags_at_once, 1, __ATOMIC_RELAXED);
	}
}

/* Each vCPU comes to a page with plain stores, and to its tags a little later. */
static void run(u64 index)
{
	mte_on();
	for (u64 p = 0; p < pages; p++) {
		u64 page = ram.base + p * PAGE_SIZE;

		barrier_wait(&barrier);
		for (u64 turn = 0; turn < stores; turn++)
			turn_on_page(page, index, turn);
	}
}

static u64 count_bad(u64 index, u64 *bad_tags)
{
	u64 bad = 0;

	for (u64 p = 0; p < pages; p++) {
		u64 page = ram.base + p * PAGE_SIZE;

		for (u32 i = 0; i < COUNTERS; i++)
			bad += mem_load64(counter_at(page, index, i)) != stores;
		for (u32 i = 0; i < GRANULES; i++) {
			bad += mem_load64(granule_at(page, index, i)) != stores;
			*bad_tags += mte_ldg(granule_at(page, index, i)) !=
				     tag_for(index, i, stores - 1);
		}
	}
	return bad;
}

static void clear(void)
{
	for (u64 at = ram.base; at < ram.base + pages * PAGE_SIZE; at += sizeof(u64)) {
		if (at % PAGE_SIZE < 2 * GRANULES_AT)
			mem_store64(at, 0);
	}
}

u64 main(u64 a, u64 b, unused u64 c, unused u64 d)
{
	u64 bad_tags = 0, unit = control_read(CONTROL_PROMOTE_UNIT), units;

	mte_need();
	pages = a ? a : DEFAULT_PAGES;
	stores = b ? b : DEFAULT_STORES;
	ram = ram_need(1, pages);
	clear();
	barrier.members = cpu_count();
	cpu_run_all(run);
	for (u32 i = 0; i < cpu_count(); i++)
		tap_is(count_bad(i, &bad_tags), 0, "no store of vCPU %u is lost, %lu pages", i,
		       pages);
	tap_is(bad_tags, 0, "no tag is lost");
	tap_is(bad_tags_at_once, 0, "no tag was ever read back wrong");
	units = unit > PAGE_SIZE ? (pages * PAGE_SIZE + unit - 1) / unit : pages;
	tap_is(control_read(CONTROL_PROMOTIONS), ram_tags_exit(&ram) ? units : 0,
	       "each unit is promoted once");
	return tap_done();
}
