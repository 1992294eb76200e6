/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Unaligned accesses across a page boundary whose pages were never touched: both
 * pages come, nothing is torn; and into RAM's last bytes.
 */
#include "guest.h"

#define PAGES_NEEDED 32
#define VALUE	     0x0123456789abcdefUL

static u64 bytes_at(u64 at)
{
	u64 value = 0;

	for (u32 i = 0; i < sizeof(u64); i++)
		value |= (u64)mem_load8(at + i) << 8 * i;
	return value;
}

static void region_test(u32 index, const struct ram *ram)
{
	u64 boundary = ram->base + PAGE_SIZE, low, high;
	u64 bad_stores = 0, bad_loads = 0;

	for (u32 offset = 1; offset < sizeof(u64); offset++, boundary += 2 * PAGE_SIZE) {
		mem_store64(boundary - offset, VALUE + offset);
		bad_stores += bytes_at(boundary - offset) != VALUE + offset;
	}
	tap_is(bad_stores, 0, "region %u (%s): stores across fresh pages", index,
	       ram_kind_name(ram->kind));
	for (u32 offset = 1; offset < sizeof(u64); offset++, boundary += 2 * PAGE_SIZE)
		bad_loads += mem_load64(boundary - offset) != bytes_at(boundary - offset);
	tap_is(bad_loads, 0, "region %u: loads across fresh pages", index);

	asm volatile("stp %0, %1, [%2]" ::"r"(VALUE), "r"(~VALUE), "r"(boundary - 5) : "memory");
	asm volatile("ldp %0, %1, [%2]" : "=r"(low), "=r"(high) : "r"(boundary - 5) : "memory");
	tap_is(low, VALUE, "region %u: pair across fresh pages, low", index);
	tap_is(high, ~VALUE, "region %u: pair across fresh pages, high", index);
	mem_store64(ram->end - 9, VALUE);
	tap_is(bytes_at(ram->end - 9), VALUE, "region %u: near its end", index);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;

	for (u32 i = 0; (ram = ram_region(i)).kind != RAM_NONE; i++) {
		if (ram_pages(&ram) >= PAGES_NEEDED)
			region_test(i, &ram);
	}
	return tap_done();
}
