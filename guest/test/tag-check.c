/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tag checks: an access whose tag differs from memory's faults at once
 * (synchronous) or is noted (asynchronous), at EL1 and at EL0; untagged memory,
 * TCO and checks that are off let it pass.
 */
#include "guest.h"

#define TAG   6
#define WRONG 7
#define VALUE 0x1234567812345678UL

/* A tag check fault leaves bits 63:60 of FAR_EL1 unknown (Arm ARM, FAR_EL1). */
#define FAR_KNOWN GENMASK(59, 0)

static u8 page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void sync_fault_test(bool store)
{
	const char *what = store ? "store" : "load";
	u64 pointer = mte_pointer((u64)page, WRONG);
	struct fault fault;

	mem_store64((u64)page, VALUE);
	mte_check(MTE_CHECK_SYNC);
	fault_arm();
	if (store)
		mte_store(pointer, 1);
	else
		mte_load(pointer);
	fault = fault_take();
	mte_check(MTE_CHECK_OFF);
	tap_is(fault.count, 1, "wrong tag: the %s faults", what);
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_DATA_SAME, "%s: Data Abort from EL1", what);
	tap_is(FIELD_GET(ESR_DFSC, fault.esr), DFSC_TAG_CHECK, "%s: a tag check fault", what);
	tap_is(FIELD_GET(ESR_WNR, fault.esr), store, "%s: WnR", what);
	tap_is(fault.far & FAR_KNOWN, pointer & FAR_KNOWN, "%s: FAR_EL1 is the pointer", what);
	tap_is(mem_load64((u64)page), VALUE, "%s: memory is as it was", what);
}

static u64 faults_of(u64 pointer)
{
	u64 count;

	fault_arm();
	mte_store(pointer, VALUE);
	mte_load(pointer);
	count = fault_take().count;
	return count;
}

static void pass_test(void)
{
	u64 wrong = mte_pointer((u64)page, WRONG);

	mte_check(MTE_CHECK_SYNC);
	tap_is(faults_of(mte_pointer((u64)page, TAG)), 0, "the right tag passes");
	tap_is(faults_of(wrong | WINDOW_UNTAGGED), 0, "an untagged alias is not checked");
	mte_tco(1);
	tap_is(faults_of(wrong), 0, "PSTATE.TCO stops the checks");
	mte_tco(0);
	tap_is(faults_of(wrong), 2, "and no longer");
	mte_check(MTE_CHECK_OFF);
	tap_is(faults_of(wrong), 0, "no checks, no faults");
}

static void async_test(void)
{
	mte_check(MTE_CHECK_ASYNC);
	mte_async_take();
	tap_is(faults_of(mte_pointer((u64)page, TAG)), 0, "asynchronous: the right tag");
	tap_is(mte_async_take(), 0, "asynchronous: nothing noted");
	mem_store64(mte_pointer((u64)page, TAG), 0);
	tap_is(faults_of(mte_pointer((u64)page, WRONG)), 0, "asynchronous: a wrong tag goes on");
	tap_is(mte_async_take(), 1, "asynchronous: TFSR_EL1 has it noted");
	mte_check(MTE_CHECK_OFF);
	tap_is(mem_load64((u64)page), VALUE, "asynchronous: the store was done");
}

static void el0_test(void)
{
	u64 pointer = mte_pointer(el0_alias(page), WRONG);
	struct fault fault;

	mte_check(MTE_CHECK_SYNC);
	fault_arm();
	el0_run(mte_store, pointer, 1);
	fault = fault_take();
	mte_check(MTE_CHECK_OFF);
	tap_is(fault.count, 1, "EL0: the wrong tag faults");
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_DATA_LOWER, "EL0: Data Abort from EL0");
	tap_is(FIELD_GET(ESR_DFSC, fault.esr), DFSC_TAG_CHECK, "EL0: a tag check fault");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	mte_need();
	mte_stg(mte_pointer((u64)page, TAG));
	sync_fault_test(false);
	sync_fault_test(true);
	pass_test();
	async_test();
	el0_test();
	tap_is(control_read(CONTROL_TAG_EXITS), 0, "no TAG exit");
	return tap_done();
}
