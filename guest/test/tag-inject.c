/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A VMM that injects instead of promoting (--on-tag-fault inject): the tag access
 * takes a synchronous external abort in the guest, at the address it named; the
 * guest goes on, and its data is as it was. On a host that does not enforce
 * NoTagAccess plain accesses to such memory abort as well.
 */
#include "guest.h"

#define ADDRESS GENMASK(55, 0)
#define TAG	9

static void abort_test(const char *name, void (*access)(u64), u64 at)
{
	struct fault fault;

	fault_arm();
	access(mte_pointer(at, TAG));
	fault = fault_take();
	tap_is(fault.count, 1, "%s: one abort", name);
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_DATA_SAME, "%s: Data Abort from EL1", name);
	tap_is(FIELD_GET(ESR_DFSC, fault.esr), DFSC_EXTERNAL, "%s: external", name);
	tap_is(fault.far & ADDRESS, at, "%s: FAR_EL1 is the address", name);
}

static void load_tag(u64 at)
{
	mte_ldg(at);
}

static void store_pair(u64 at)
{
	mte_stgp(at, 1, 2);
}

static u64 plain_aborts(u64 at)
{
	fault_arm();
	mem_store64(at, 0x77);
	return fault_take().count;
}

static void el0_test(u64 at)
{
	struct fault fault;

	fault_arm();
	el0_run(mte_stg, mte_pointer(at | WINDOW_USER, TAG), 0);
	fault = fault_take();
	tap_is(fault.count, 1, "STG at EL0: one abort");
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_DATA_LOWER, "STG at EL0: Data Abort from EL0");
	tap_is(FIELD_GET(ESR_DFSC, fault.esr), DFSC_EXTERNAL, "STG at EL0: external");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	bool enforced = control_read(CONTROL_FLAGS) & CONTROL_FLAG_NOTAG;
	struct ram ram;
	u64 at;

	mte_need();
	ram = ram_need(1, 1);
	if (!ram_is_file(&ram))
		tap_skip_all("region 1 can hold tags");
	at = ram.base + 0x40;
	tap_is(plain_aborts(at), !enforced, "aborts of a plain store");
	abort_test("STG", mte_stg, at);
	abort_test("LDG", load_tag, at);
	/* An STGP may have stored its data before its tag aborts. */
	abort_test("STGP", store_pair, at + MTE_GRANULE);
	el0_test(at);
	if (enforced)
		tap_is(mem_load64(at), 0x77, "the data is as it was");
	tap_is(control_read(CONTROL_PROMOTIONS), 0, "nothing was promoted");
	return tap_done();
}
