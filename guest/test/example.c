/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest of the example VMM (docs/examples/minimal.c): its first number is the
 * address of 16 MiB of file-backed memory, which begins with the VMM's bytes.
 */
#include "guest.h"

#define STEP	 0x40000
#define COUNT	 64
#define LATER	 0x5000
#define SECOND	 64
#define VALUE	 0x123456789abcdefUL
#define VMM_BYTE 't'

/* Data and tags of one granule in each step. */
static u64 granule_errors(u64 base)
{
	u64 wrong = 0;

	for (u64 i = 0; i < COUNT; i++) {
		u64 at = base + i * STEP + SECOND;

		mem_store64(at, i);
		mte_stg(mte_pointer(at, i % 16));
		wrong += mte_ldg(at) != i % 16 || mem_load64(at) != i;
	}
	return wrong;
}

u64 main(u64 base, unused u64 b, unused u64 c, unused u64 d)
{
	tap_is(mem_load64(base) & 0xff, VMM_BYTE, "the VMM's bytes");
	mem_store64(base + LATER, VALUE);
	mte_need();
	tap_is(granule_errors(base), 0, "tags and data in memory of a file");
	tap_is(mem_load64(base + LATER), VALUE, "a store from before the promotion");
	tap_is(mem_load64(base) & 0xff, VMM_BYTE, "the VMM's bytes from before it");
	return tap_done();
}
