/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Emulated loads and stores: each size, each direction, the zero register, and
 * registers other than the first. (Sign extension: mmio-signed.c.) The
 * device is the scratch register of the control page, eight bytes of memory in
 * the VMM, so that what was stored comes back.
 */
#include "guest.h"

#define SCRATCH (CONTROL_BASE + CONTROL_SCRATCH)
#define START	0x8182838485868788

#define UART_FLAGS  (UART_BASE + 0x18)
#define UART_UNUSED (UART_BASE + 0x80)

static void loads_test(void)
{
	mem_store64(SCRATCH, START);
	tap_is(mem_load64(SCRATCH), START, "load of 8 bytes");
	tap_is(mem_load32(SCRATCH), 0x85868788, "load of 4 bytes");
	tap_is(mem_load16(SCRATCH), 0x8788, "load of 2 bytes");
	tap_is(mem_load8(SCRATCH), 0x88, "load of 1 byte");
	tap_is(mem_load32(SCRATCH + 4), 0x81828384, "load of the upper 4 bytes");
	tap_is(mem_load16(SCRATCH + 6), 0x8182, "load of the last 2 bytes");
	tap_is(mem_load8(SCRATCH + 7), 0x81, "load of the last byte");
}

/* What a 32-bit load leaves in the upper half of its register. */
static void upper_half_test(void)
{
	u64 value = ~0UL;

	asm volatile("ldr %w0, [%1]" : "+r"(value) : "r"(SCRATCH) : "memory");
	tap_is(value, 0x85868788, "LDR of 32 bits clears the upper half");
	value = ~0UL;
	asm volatile("ldrb %w0, [%1]" : "+r"(value) : "r"(SCRATCH) : "memory");
	tap_is(value, 0x88, "LDRB clears all but its byte");
}

static void stores_test(void)
{
	mem_store64(SCRATCH, START);
	mem_store32(SCRATCH, 0x01020304);
	tap_is(mem_load64(SCRATCH), 0x8182838401020304, "store of 4 bytes");
	mem_store16(SCRATCH + 4, 0x0506);
	tap_is(mem_load64(SCRATCH), 0x8182050601020304, "store of 2 bytes");
	mem_store8(SCRATCH + 7, 0x07);
	tap_is(mem_load64(SCRATCH), 0x0782050601020304, "store of 1 byte");
}

static void registers_test(void)
{
	u64 value;

	mem_store64(SCRATCH, START);
	asm volatile("ldr x30, [%1]\n\tmov %0, x30" : "=r"(value) : "r"(SCRATCH) : "x30", "memory");
	tap_is(value, START, "load to x30");
	mem_store64(SCRATCH, START);
	asm volatile("ldr xzr, [%0]" ::"r"(SCRATCH) : "memory");
	asm volatile("str wzr, [%0]" ::"r"(SCRATCH) : "memory");
	tap_is(mem_load64(SCRATCH), START & 0xffffffff00000000, "store of the zero register");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	loads_test();
	upper_half_test();
	stores_test();
	registers_test();
	tap_is(mem_load32(UART_FLAGS) & (1 << 5), 0, "the PL011 has room to send");
	tap_is(mem_load32(UART_UNUSED), 0, "a PL011 register that is not there reads 0");
	return tap_done();
}
