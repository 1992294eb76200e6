/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Emulated loads that extend the sign, to 32 and to 64 bits (Arm ARM, ISS.SSE and
 * ISS.SF of a Data Abort).
 */
#include "guest.h"

#define SCRATCH	 (CONTROL_BASE + CONTROL_SCRATCH)
#define NEGATIVE 0x8182838485868788
#define POSITIVE 0x7172737475767778

static u64 load_16_to_32(void)
{
	u64 value = ~0UL;

	asm volatile("ldrsh %w0, [%1]" : "+r"(value) : "r"((u64)SCRATCH) : "memory");
	return value;
}

static u64 load_8_to_32(void)
{
	u64 value = ~0UL;

	asm volatile("ldrsb %w0, [%1]" : "+r"(value) : "r"((u64)SCRATCH) : "memory");
	return value;
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	mem_store64(SCRATCH, NEGATIVE);
	tap_is(mem_load32_sx(SCRATCH), 0xffffffff85868788, "LDRSW");
	tap_is(mem_load16_sx(SCRATCH), 0xffffffffffff8788, "LDRSH to 64 bits");
	tap_is(mem_load8_sx(SCRATCH), 0xffffffffffffff88, "LDRSB to 64 bits");
	tap_is(load_16_to_32(), 0xffff8788, "LDRSH to 32 bits clears the upper half");
	tap_is(load_8_to_32(), 0xffffff88, "LDRSB to 32 bits clears the upper half");
	mem_store64(SCRATCH, POSITIVE);
	tap_is(mem_load32_sx(SCRATCH), 0x75767778, "LDRSW of a positive number");
	tap_is(mem_load16_sx(SCRATCH), 0x7778, "LDRSH of a positive number");
	tap_is(mem_load8_sx(SCRATCH), 0x78, "LDRSB of a positive number");
	return tap_done();
}
