/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory as another run of this guest left it (tessera run --lazy). Numbers: what
 * to do, then
 *	0		fill all that is free of region 0 with a pattern
 *	1 STEP BYTES N	every STEP-th page, N of them or (0) all there are, is what 0
 *			made it, up to BYTES from the start of region 0; behind that
 *			all is zero. All vCPUs at once
 *	2 MS		wait so long, then read the last page
 */
#include "guest.h"

static struct ram ram;
static u64 step, filled_end;
static u64 wrong;

static u64 want(u64 at)
{
	return at < filled_end ? pattern(at, 0) : 0;
}

static void check_page(u64 page)
{
	static const u32 offsets[] = { 0, 0x7f8, PAGE_SIZE - sizeof(u64) };

	for (u32 i = 0; i < 3; i++)
		if (mem_load64(page + offsets[i]) != want(page + offsets[i]))
			__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void check_pages(unused u64 index)
{
	for (u64 page = ram.base; page < ram.end; page += step * PAGE_SIZE)
		check_page(page);
}

static void check(u64 bytes, u64 pages)
{
	if (pages && pages * step < ram_pages(&ram))
		ram.end = ram.base + pages * step * PAGE_SIZE;
	filled_end = RAM_BASE + bytes;
	cpu_run_all(check_pages);
	tap_is(wrong, 0, "%lu pages hold what was left there", ram_pages(&ram) / step);
}

static void wait_and_read(u64 ms)
{
	u64 end = control_read(CONTROL_CLOCK) + ms * 1000000;

	tap_note("waiting");
	while (control_read(CONTROL_CLOCK) < end)
		cpu_relax();
	mem_load64(ram.end - PAGE_SIZE);
	tap_ok(true, "the last page is there");
}

u64 main(u64 a, u64 b, u64 c, u64 d)
{
	ram = ram_region(0);
	step = b;
	switch (a) {
	case 0:
		pattern_fill(ram.base, ram.end - ram.base, 0);
		tap_is(pattern_errors(ram.base, ram.end - ram.base, 0), 0, "filled");
		break;
	case 1:
		check(c, d);
		break;
	default:
		wait_and_read(b);
	}
	return tap_done();
}
