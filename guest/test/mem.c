/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Every RAM region holds what was written to it: each word of it, at each size,
 * at its ends and after all regions were written.
 */
#include "guest.h"

#define REGIONS_MAX 8

static void sizes_test(u32 index, u64 at)
{
	mem_store64(at, 0x1122334455667788);
	mem_store8(at + 1, 0xaa);
	mem_store16(at + 2, 0xbbcc);
	mem_store32(at + 4, 0xddeeff00);
	tap_is(mem_load64(at), 0xddeeff00bbccaa88, "region %u: stores of 1, 2 and 4 bytes", index);
	tap_is(mem_load8_sx(at + 1), 0xffffffffffffffaa, "region %u: sign-extending load", index);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram[REGIONS_MAX];
	u32 count = 0;

	while (count < REGIONS_MAX && (ram[count] = ram_region(count)).kind != RAM_NONE)
		count++;
	tap_ok(count > 0, "there is RAM");
	for (u32 i = 0; i < count; i++)
		pattern_fill(ram[i].base, ram[i].end - ram[i].base, i);
	for (u32 i = 0; i < count; i++) {
		tap_is(pattern_errors(ram[i].base, ram[i].end - ram[i].base, i), 0,
		       "region %u: %lu pages of %s keep what was written", i, ram_pages(&ram[i]),
		       ram_kind_name(ram[i].kind));
		sizes_test(i, ram[i].base);
		sizes_test(i, ram[i].end - sizeof(u64));
	}
	return tap_done();
}
