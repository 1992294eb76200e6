/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Keeps tags for somebody who saves and restores them, and does what the console says, two
 * letters at a time:
 *
 *	sN	stores the tags of pattern N: "stored N"
 *	cN	compares with those of pattern N: "checked N: W wrong"
 *	q.	ends
 *
 * Numbers: how many pages of region 1 have tags, and every how many-th does (1 if 0). Between
 * them are pages whose tags the guest looks at and does not store.
 */
#include "guest.h"

#define PL011_DR      0x00
#define PL011_FR      0x18
#define PL011_FR_RXFE (1 << 4)

static struct ram ram;
static u64 count, step;

/* One page in four each: one tag throughout, few runs, a single granule, and no order at all. */
static u64 tag_of(u64 page, u64 granule, u64 seed)
{
	u64 base = ram.base + page * PAGE_SIZE;

	switch (page / step % 4) {
	case 0:
		return 1 + pattern(base, seed) % 15;
	case 1:
		return pattern(base + granule / 24, seed) % 16;
	case 2:
		return granule == seed % 256 ? 5 : 0;
	default:
		return granule ? pattern(base + granule, seed) % 16 : 3;
	}
}

static u64 granule_at(u64 page, u64 granule)
{
	return ram.base + page * PAGE_SIZE + granule * MTE_GRANULE;
}

static void store(u64 seed)
{
	for (u64 page = 0; page < count * step; page += step)
		for (u64 i = 0; i < PAGE_SIZE / MTE_GRANULE; i++)
			mte_stg(mte_pointer(granule_at(page, i), tag_of(page, i, seed)));
	print("stored %lu\n", seed);
}

static void check(u64 seed)
{
	u64 wrong = 0;

	for (u64 page = 0; page < count * step; page++)
		for (u64 i = 0; i < PAGE_SIZE / MTE_GRANULE; i++)
			wrong += mte_ldg(granule_at(page, i)) !=
				 (page % step ? 0 : tag_of(page, i, seed));
	print("checked %lu: %lu wrong\n", seed, wrong);
}

static u64 letter(void)
{
	while (mem_load32(UART_BASE + PL011_FR) & PL011_FR_RXFE)
		continue;
	return mem_load32(UART_BASE + PL011_DR) & 0xff;
}

u64 main(u64 a, u64 b, unused u64 c, unused u64 d)
{
	u64 command;

	mte_need();
	count = a;
	step = b ? b : 1;
	ram = ram_need(1, count * step);
	print("ready\n");
	while ((command = letter()) != 'q') {
		u64 seed = letter() - '0';

		if (command == 's')
			store(seed);
		else
			check(seed);
	}
	tap_ok(true, "%lu pages with tags were kept", count);
	return tap_done();
}
