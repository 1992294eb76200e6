/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * First touches: x0 pages (256 if 0) of region x2, every x1-th (1 if 0), each
 * by one store; then all still hold it. Also what the benchmark counts.
 */
#include "guest.h"

#define DEFAULT_PAGES 256

u64 main(u64 pages, u64 stride, u64 region, unused u64 d)
{
	u64 step = (stride ? stride : 1) * PAGE_SIZE;
	struct ram ram;
	u64 base, errors = 0;

	if (!pages)
		pages = DEFAULT_PAGES;
	ram = ram_need((u32)region, (pages - 1) * (step / PAGE_SIZE) + 1);
	base = ram.base;
	for (u64 i = 0; i < pages; i++)
		mem_store64(base + i * step, pattern(i, 1));
	for (u64 i = 0; i < pages; i++)
		errors += mem_load64(base + i * step) != pattern(i, 1);
	tap_is(errors, 0, "%lu pages of %s touched", pages, ram_kind_name(ram.kind));
	return tap_done();
}
