/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The calling convention itself: version, discovery, unknown functions. */
#include "guest.h"

#define VENDOR_UNKNOWN	   0x8600fff0 /* vendor hypervisor service, a number nobody has */
#define STANDARD_UNKNOWN   0x8400ffff
#define STANDARD64_UNKNOWN 0xc400ffff
#define RESERVED_OWNER	   0x87001234

static void unknown_test(u32 function)
{
	tap_is((u64)smccc_call(function, 0, 0, 0), (u64)SMCCC_NOT_SUPPORTED,
	       "function 0x%x is not supported", function);
}

static bool registers_kept(void)
{
	register u64 x19 asm("x19") = 0x1919191919191919;
	register u64 x18 asm("x18") = 0x1818181818181818;
	register u64 x0 asm("x0") = SMCCC_VERSION;

	asm volatile("hvc #0"
		     : "+r"(x0), "+r"(x18), "+r"(x19)::"x1", "x2", "x3", "x4", "x5", "x6", "x7",
		       "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
		       "memory");
	return x18 == 0x1818181818181818 && x19 == 0x1919191919191919;
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	s64 version = smccc_call(SMCCC_VERSION, 0, 0, 0);

	tap_ok(version >= 0x10001 && version < 0x20000, "SMCCC version 1.1 or a later 1.x (0x%lx)",
	       version);
	tap_is((u64)smccc_call(SMCCC_ARCH_FEATURES, VENDOR_UNKNOWN, 0, 0), (u64)SMCCC_NOT_SUPPORTED,
	       "ARCH_FEATURES does not know an unknown function");
	unknown_test(VENDOR_UNKNOWN);
	unknown_test(STANDARD_UNKNOWN);
	unknown_test(STANDARD64_UNKNOWN);
	unknown_test(RESERVED_OWNER);
	unknown_test(0);
	tap_ok(registers_kept(), "a call keeps x18 and up");
	return tap_done();
}
