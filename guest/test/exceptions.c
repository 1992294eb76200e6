/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Exceptions that are the guest's own business reach its vectors as the Arm ARM
 * describes them, and the hypervisor does not come between: stage-1 faults of
 * each kind, undefined instructions, breakpoints, wrong branch targets.
 */
#include "guest.h"

#define NOWHERE	     (WINDOW_NONE + RAM_BASE)
#define BEYOND	     (1UL << 39) /* what TTBR0_EL1 translates */
#define UNEXECUTABLE (WINDOW_UNTAGGED + RAM_BASE)
#define ANY	     ~0UL

static void run_load(u64 at)
{
	mem_load64(at);
}

static void run_store(u64 at)
{
	mem_store64(at, 1);
}

static void run_branch(u64 at)
{
	((void (*)(void))at)();
}

static void run_undefined(unused u64 at)
{
	asm volatile("udf #0x1234" ::: "memory");
}

static void run_breakpoint(unused u64 at)
{
	asm volatile("brk #0x42" ::: "memory");
}

static void run_svc(unused u64 at)
{
	asm volatile("svc #0x99" ::: "memory");
}

static void run_release(u64 at)
{
	asm volatile("stlr xzr, [%0]" ::"r"(at) : "memory");
}

/* PSTATE.IL from an exception return that is not allowed: to EL2. */
static void run_illegal_return(unused u64 at)
{
	asm volatile("msr spsr_el1, %0\n\t"
		     "adr %0, 1f\n\t"
		     "msr elr_el1, %0\n\t"
		     "eret\n"
		     "1:" ::"r"(0x3c9UL)
		     : "memory");
}

/* What ESR_EL1 and FAR_EL1 must say; ANY where they say nothing. */
static const struct {
	const char *name;
	void (*run)(u64 at);
	u64 at, ec, iss, far;
} exceptions[] = {
	{ "load from nowhere", run_load, NOWHERE, EC_DATA_SAME, DFSC_TRANSLATION_L1, NOWHERE },
	{ "store to nowhere", run_store, NOWHERE + 8, EC_DATA_SAME, ESR_WNR | DFSC_TRANSLATION_L1,
	  NOWHERE + 8 },
	{ "load beyond the tables", run_load, BEYOND, EC_DATA_SAME, DFSC_TRANSLATION_L0, BEYOND },
	{ "branch to nowhere", run_branch, NOWHERE, EC_INSTR_SAME, DFSC_TRANSLATION_L1, NOWHERE },
	{ "branch to memory that EL1 may not execute", run_branch, UNEXECUTABLE, EC_INSTR_SAME,
	  DFSC_PERMISSION_L1, UNEXECUTABLE },
	{ "branch to an odd address", run_branch, RAM_BASE + 2, EC_PC_ALIGNMENT, ANY,
	  RAM_BASE + 2 },
	{ "store-release across 16 bytes", run_release, RAM_BASE + 12, EC_DATA_SAME,
	  ESR_WNR | DFSC_ALIGNMENT, RAM_BASE + 12 },
	{ "UDF", run_undefined, 0, EC_UNKNOWN, 0, ANY },
	{ "BRK", run_breakpoint, 0, EC_BRK64, 0x42, ANY },
	{ "SVC at EL1", run_svc, 0, EC_SVC64, 0x99, ANY },
	{ "illegal exception return", run_illegal_return, 0, EC_ILLEGAL, ANY, ANY },
};

static void exception_test(u32 i)
{
	const char *name = exceptions[i].name;
	struct fault fault;

	fault_arm();
	exceptions[i].run(exceptions[i].at);
	fault = fault_take();
	tap_is(fault.count, 1, "%s: one exception", name);
	tap_is(FIELD_GET(ESR_EC, fault.esr), exceptions[i].ec, "%s: class", name);
	tap_is(FIELD_GET(ESR_IL, fault.esr), 1, "%s: of a 32-bit instruction", name);
	if (exceptions[i].iss != ANY)
		tap_is(FIELD_GET(ESR_ISS, fault.esr), exceptions[i].iss, "%s: syndrome", name);
	if (exceptions[i].far != ANY)
		tap_is(fault.far, exceptions[i].far, "%s: address", name);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	for (u32 i = 0; i < ARRAY_SIZE(exceptions); i++)
		exception_test(i);
	return tap_done();
}
