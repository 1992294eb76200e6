/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Code that the VMM protects (--protect-text): a store to it takes a synchronous
 * external abort and changes nothing, at EL1 and at EL0; with number 1, for code
 * that is execute-only, a load does too. The code runs on, and data is as free as ever.
 */
#include "guest.h"

#define ADDRESS GENMASK(55, 0)

static u64 data = 1;
static const u64 constant = 2;

static __attribute__((noinline)) u64 victim(u64 a, u64 b)
{
	return a * 3 + b;
}

static void store(u64 at)
{
	mem_store64(at, 0);
}

static void load(u64 at)
{
	mem_load64(at);
}

static u64 store_el0(u64 at, u64 value)
{
	*(volatile u64 *)at = value;
	return 0;
}

static void abort_test(const char *name, void (*access)(u64), u64 at, bool write)
{
	struct fault fault;

	fault_arm();
	access(at);
	fault = fault_take();
	tap_is(fault.count, 1, "%s: one abort", name);
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_DATA_SAME, "%s: Data Abort from EL1", name);
	tap_is(FIELD_GET(ESR_DFSC, fault.esr), DFSC_EXTERNAL, "%s: external", name);
	tap_is(fault.far & ADDRESS, at, "%s: FAR_EL1 is the address", name);
	if (write)
		tap_is(victim(5, 1), 16, "%s: the code is what it was", name);
}

static void el0_test(u64 at)
{
	struct fault fault;

	fault_arm();
	el0_run(store_el0, at | WINDOW_USER, 0);
	fault = fault_take();
	tap_is(fault.count, 1, "a store at EL0: one abort");
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_DATA_LOWER, "a store at EL0: Data Abort from EL0");
	tap_is(victim(5, 1), 16, "a store at EL0: the code is what it was");
}

u64 main(u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u64 at = (u64)victim & ~(u64)7;

	tap_is(victim(2, 1), 7, "the code runs");
	abort_test("a store", store, at, true);
	abort_test("another store", store, at, true);
	if (a)
		abort_test("a load", load, at, false);
	else
		tap_ok(mem_load64(at) != 0, "it can be read");
	el0_test(at);
	fault_arm();
	mem_store64((u64)&data, 7);
	tap_is(mem_load64((u64)&data) + mem_load64((u64)&constant), 9, "data is free");
	tap_is(fault_take().count, 0, "no abort for data");
	return tap_done();
}
