/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* PSCI SYSTEM_RESET, with all other vCPUs busy: the VMM is told so. */
#include "guest.h"

static u32 busy;

static void spin(unused u64 argument)
{
	__atomic_add_fetch(&busy, 1, __ATOMIC_RELAXED);
	for (;;)
		cpu_relax();
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u32 others = cpu_count() - 1;

	for (u32 i = 1; i <= others; i++) {
		if (cpu_start(i, spin, 0))
			tap_die("vCPU %u does not start", i);
	}
	while (__atomic_load_n(&busy, __ATOMIC_RELAXED) != others)
		cpu_relax();
	tap_ok(true, "%u other vCPUs are busy; SYSTEM_RESET", others);
	tap_done();
	smccc_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	tap_die("SYSTEM_RESET returned");
}
