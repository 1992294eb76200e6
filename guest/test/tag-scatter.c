/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tags stored on x0 pages (500 if 0) of region 1, scattered: each x1-th (7919 if 0),
 * round and round. Every page keeps its data and its tag to the end.
 */
#include "guest.h"

#define DEFAULT_PAGES  500
#define DEFAULT_STRIDE 7919 /* prime, so it meets every page of a region of 2^n */
#define TAGGED	       0x800

static u64 gcd(u64 a, u64 b)
{
	while (b) {
		u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static u64 tag_for(u64 i)
{
	return i % 15 + 1;
}

u64 main(u64 pages, u64 stride, unused u64 c, unused u64 d)
{
	u64 total, page, bad_data = 0, bad_tags = 0;
	struct ram ram;

	mte_need();
	pages = pages ? pages : DEFAULT_PAGES;
	stride = stride ? stride : DEFAULT_STRIDE;
	ram = ram_need(1, pages);
	total = ram_pages(&ram);
	if (gcd(stride, total) != 1)
		tap_die("stride %lu does not meet all of %lu pages", stride, total);
	for (u64 i = 0; i < pages; i++) {
		page = ram.base + i * stride % total * PAGE_SIZE;
		mem_store64(page, pattern(i, 1));
		mte_stg(mte_pointer(page + TAGGED, tag_for(i)));
		mem_store64(page + PAGE_SIZE - 8, pattern(i, 2));
	}
	for (u64 i = 0; i < pages; i++) {
		page = ram.base + i * stride % total * PAGE_SIZE;
		bad_data += mem_load64(page) != pattern(i, 1);
		bad_data += mem_load64(page + PAGE_SIZE - 8) != pattern(i, 2);
		bad_tags += mte_ldg(page + TAGGED) != tag_for(i);
	}
	tap_note("%lu TAG exits, %lu promotions", control_read(CONTROL_TAG_EXITS),
		 control_read(CONTROL_PROMOTIONS));
	tap_is(bad_data, 0, "%lu scattered pages keep their data", pages);
	tap_is(bad_tags, 0, "and their tags");
	tap_is(control_read(CONTROL_PROMOTIONS) > 0, ram_tags_exit(&ram),
	       "promotions exactly if the VMM has to supply tags");
	return tap_done();
}
