/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Instructions can be written and run in every RAM region: at its start, across
 * a page boundary and at its end; new ones replace old ones; by EL0 too.
 */
#include "guest.h"

#define MOVZ_X0(imm) (0xd2800000 | (imm) << 5)
#define RET	     0xd65f03c0

typedef u64 (*code_fn)(void);

static void code_write(u64 at, u32 value)
{
	mem_store32(at, MOVZ_X0(value));
	mem_store32(at + 4, RET);
	code_sync(at, 8);
}

static u64 errors_at(u64 at)
{
	u64 errors = 0;

	for (u32 value = 1; value < 20; value++) {
		code_write(at, value);
		errors += ((code_fn)at)() != value;
	}
	return errors;
}

static void region_test(u32 index, const struct ram *ram)
{
	u64 middle = ram->base + PAGE_SIZE;

	tap_is(errors_at(ram->base), 0, "region %u (%s): at its start", index,
	       ram_kind_name(ram->kind));
	tap_is(errors_at(middle - 4), 0, "region %u: across pages", index);
	tap_is(errors_at(ram->end - 8), 0, "region %u: at its end", index);
	code_write(middle, 77);
	tap_is(el0_run(middle, 0, 0), 77, "region %u: at EL0", index);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;

	for (u32 i = 0; (ram = ram_region(i)).kind != RAM_NONE; i++)
		region_test(i, &ram);
	return tap_done();
}
