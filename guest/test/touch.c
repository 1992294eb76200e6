/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Touches pages, for a VMM that watches. Numbers: how (below), how many pages of
 * region 1, every how many-th, and for how many milliseconds (0: twice each).
 */
#include "guest.h"

#define RET 0xd65f03c0

enum how { HOW_READ, HOW_WRITE, HOW_EXECUTE, HOW_TAG };

static void touch(enum how how, u64 at)
{
	switch (how) {
	case HOW_READ:
		mem_load64(at);
		break;
	case HOW_WRITE:
		mem_store64(at + 8, at);
		break;
	case HOW_EXECUTE:
		((void (*)(void))at)();
		break;
	case HOW_TAG:
		mte_stg(mte_pointer(at, 3));
		break;
	}
}

static void touch_all(enum how how, const struct ram *ram, u64 pages, u64 step)
{
	for (u64 i = 0; i < pages; i++)
		touch(how, ram->base + i * step * PAGE_SIZE);
}

u64 main(u64 a, u64 b, u64 c, u64 d)
{
	struct ram ram = ram_need(1, (b - 1) * c + 1);
	enum how how = (enum how)a;
	u64 end = control_read(CONTROL_CLOCK) + d * 1000000;

	if (how == HOW_TAG)
		mte_need();
	for (u64 i = 0; how == HOW_EXECUTE && i < b; i++) {
		mem_store32(ram.base + i * c * PAGE_SIZE, RET);
		code_sync(ram.base + i * c * PAGE_SIZE, 4);
	}
	touch_all(how, &ram, b, c);
	do {
		touch_all(how, &ram, b, c);
	} while (control_read(CONTROL_CLOCK) < end);
	tap_ok(true, "%lu pages touched", b);
	return tap_done();
}
