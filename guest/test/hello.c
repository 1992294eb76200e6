/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The console, the numbers of the command line and the exit. */
#include "guest.h"

u64 main(u64 a, u64 b, u64 c, u64 d)
{
	tap_note("hello from the guest: %lu %lu %lu %lu", a, b, c, d);
	tap_ok(cpu_this()->index == 0, "main() runs on vCPU 0");
	tap_is(cpu_this()->boot_el, 1 << 2, "entered at EL1");
	tap_is(cpu_this()->boot_sctlr & SCTLR_M, 0, "entered with the MMU off");
	tap_is(cpu_this()->boot_daif, 0xf << 6, "entered with D, A, I and F masked");
	return tap_done();
}
