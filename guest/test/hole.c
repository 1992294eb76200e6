/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where there is neither RAM nor a device, loads and stores go to the VMM, which
 * answers 0 and ignores. Each is one exit, through Device and Normal memory alike,
 * and none is a fault in the guest.
 */
#include "guest.h"

/* In the Device window's first GiB, and right behind the last region. */
#define DEVICE_HOLE 0x0a000000

static u64 hole_behind_ram(void)
{
	u64 end = RAM_BASE;
	struct ram ram;

	for (u32 i = 0; (ram = ram_region(i)).kind != RAM_NONE; i++) {
		if (ram.end > end)
			end = ram.end;
	}
	return end;
}

static void hole_test(u64 at, const char *what)
{
	u64 before = control_read(CONTROL_HOLE_EXITS);

	tap_is(mem_load64(at), 0, "%s: 8 bytes read as 0", what);
	tap_is(mem_load8(at + 3), 0, "%s: 1 byte reads as 0", what);
	mem_store32(at, 0x12345678);
	tap_is(mem_load32(at), 0, "%s: a store is ignored", what);
	tap_is(control_read(CONTROL_HOLE_EXITS) - before, 4, "%s: an exit each", what);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u64 faults = control_read(CONTROL_FAULT_EXITS);

	hole_test(DEVICE_HOLE, "Device memory");
	hole_test(hole_behind_ram(), "Normal memory");
	tap_is(control_read(CONTROL_FAULT_EXITS), faults, "none was a MEMORY_FAULT exit");
	return tap_done();
}
