/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory comes without a past: all of RAM holds zeroes and tag 0 at first. Then
 * leaves data and tags everywhere, for the next run of this guest to not find.
 */
#include "guest.h"

#define DIRT	 0xd1d1d1d1d1d1d1d1UL
#define ALL_TAGS 0xeeeeeeeeeeeeeeeeUL

static u64 tags_found(const struct ram *ram, u64 step)
{
	u64 found = 0;

	for (u64 at = ram->base; at < ram->end; at += step)
		found += mte_ldgm(at) != 0;
	return found;
}

static u64 data_found(const struct ram *ram)
{
	u64 found = 0;

	for (u64 at = ram->base; at < ram->end; at += sizeof(u64))
		found += *(volatile u64 *)at != 0;
	return found;
}

static void dirty(const struct ram *ram, u64 step)
{
	for (u64 at = ram->base; at < ram->end; at += sizeof(u64))
		*(volatile u64 *)at = DIRT;
	for (u64 at = ram->base; step && at < ram->end; at += step)
		mte_stgm(at, ALL_TAGS);
}

static void region_test(u32 index, const struct ram *ram)
{
	u64 step = 0;

	if (mte_present())
		step = mte_block_size();
	/* First touches are loads in one region and tag accesses in the next. */
	if (step && index % 2)
		tap_is(tags_found(ram, step), 0, "region %u: no tags", index);
	tap_is(data_found(ram), 0, "region %u: no data", index);
	if (step && index % 2 == 0)
		tap_is(tags_found(ram, step), 0, "region %u: no tags", index);
	dirty(ram, step);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;

	if (mte_present())
		mte_on();
	for (u32 i = 0; (ram = ram_region(i)).kind != RAM_NONE; i++)
		region_test(i, &ram);
	return tap_done();
}
