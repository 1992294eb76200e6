/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * EL0: functions run there, calls come back by SVC, what EL0 may not do traps to
 * EL1, and its first touches of memory bring pages like any others.
 */
#include "guest.h"

#define TOUCHED 64 /* pages */

static u64 el0_level(unused u64 a, unused u64 b)
{
	u64 level = ~0UL;

	/* UNDEFINED at EL0. */
	asm volatile("mrs %0, CurrentEL" : "+r"(level));
	return level;
}

static u64 el0_sum(u64 pointer, u64 count)
{
	const volatile u64 *words = (const volatile u64 *)pointer;
	u64 sum = 0;

	for (u64 i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

static u64 el0_load(u64 address, unused u64 b)
{
	return mem_load64(address);
}

static u64 el0_svc(u64 a, unused u64 b)
{
	register u64 x0 asm("x0") = a;

	asm volatile("svc #7" : "+r"(x0)::"memory");
	return x0 + 1;
}

static u64 el0_hvc(unused u64 a, unused u64 b)
{
	asm volatile("hvc #0" ::: "x0", "x1", "x2", "x3", "memory");
	return 0;
}

static u64 el0_touch(u64 base, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		mem_store64(base + i * PAGE_SIZE, i + 1);
	return pages;
}

static struct fault caught(u64 (*function)(u64, u64), u64 a, u64 b)
{
	fault_arm();
	el0_run(function, a, b);
	return fault_take();
}

static void traps_test(void)
{
	static u64 kernel_word;
	struct fault fault;

	fault = caught(el0_level, 0, 0);
	tap_is(fault.count ? FIELD_GET(ESR_EC, fault.esr) : ~0UL, EC_UNKNOWN,
	       "CurrentEL is UNDEFINED at EL0");
	fault = caught(el0_hvc, 0, 0);
	tap_is(fault.count ? FIELD_GET(ESR_EC, fault.esr) : ~0UL, EC_UNKNOWN,
	       "HVC is UNDEFINED at EL0");
	fault = caught(el0_load, (u64)&kernel_word, 0);
	tap_is(fault.count ? FIELD_GET(ESR_EC, fault.esr) : ~0UL, EC_DATA_LOWER,
	       "EL1's memory faults at EL0");
	tap_is(fault.far, (u64)&kernel_word, "and FAR_EL1 says where");
}

static void touch_test(void)
{
	struct ram ram = ram_region(0);
	u64 errors = 0;

	tap_is(el0_run(el0_touch, ram.base | WINDOW_USER, TOUCHED), TOUCHED,
	       "EL0 touches fresh pages");
	for (u64 i = 0; i < TOUCHED; i++)
		errors += mem_load64(ram.base + i * PAGE_SIZE) != i + 1;
	tap_is(errors, 0, "EL1 sees what it wrote");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	static u64 words[16];
	struct fault fault;
	u64 result, sum = 0;

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i] = pattern(i, 5);
	tap_is(el0_run(el0_sum, el0_alias(words), ARRAY_SIZE(words)), sum, "EL0 reads memory");

	fault_arm();
	result = el0_run(el0_svc, 41, 0);
	fault = fault_take();
	tap_is(result, 42, "EL0 goes on after an SVC");
	tap_is(fault.count, 1, "the SVC came to EL1");
	tap_is(FIELD_GET(ESR_EC, fault.esr), EC_SVC64, "as an SVC");
	tap_is(FIELD_GET(ESR_SVC_IMM, fault.esr), 7, "with its number");
	traps_test();
	touch_test();
	return tap_done();
}
