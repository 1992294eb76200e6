/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * PSCI: version and features, and the life of a second vCPU: off, on with a
 * context id, already on, off by itself, on again.
 */
#include "guest.h"

#define PSCI_1_0	0x10000
#define CONTEXT		0xfedcba9876543210
#define NOBODY		0x00ff0000 /* an affinity that no VM has */
#define AFFINITY_LEVELS 4

static u64 context_seen;
static u32 stay;

static void guest_of_psci(u64 context)
{
	__atomic_store_n(&context_seen, context, __ATOMIC_RELEASE);
	while (__atomic_load_n(&stay, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static s64 affinity_info(u64 mpidr)
{
	return smccc_call(PSCI_AFFINITY_INFO, mpidr, 0, 0);
}

static void features_test(void)
{
	static const u32 needed[] = { PSCI_VERSION,	  PSCI_CPU_OFF,	   PSCI_CPU_ON,
				      PSCI_AFFINITY_INFO, PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET,
				      PSCI_FEATURES };
	s64 version = smccc_call(PSCI_VERSION, 0, 0, 0);

	tap_ok(version >= PSCI_1_0 && version < 0x20000, "PSCI 1.x (0x%lx)", version);
	for (u32 i = 0; i < ARRAY_SIZE(needed); i++)
		tap_ok(smccc_call(PSCI_FEATURES, needed[i], 0, 0) >= 0, "FEATURES has 0x%x",
		       needed[i]);
	tap_is((u64)smccc_call(PSCI_FEATURES, 0x84001234, 0, 0), (u64)PSCI_NOT_SUPPORTED,
	       "FEATURES does not have an unknown function");
}

static void targets_test(void)
{
	tap_is((u64)affinity_info(cpu_mpidr(0)), PSCI_AFFINITY_ON, "vCPU 0 is on");
	tap_is((u64)smccc_call(PSCI_CPU_ON, cpu_mpidr(0), RAM_BASE, 0), (u64)PSCI_ALREADY_ON,
	       "CPU_ON of oneself: already on");
	tap_is((u64)smccc_call(PSCI_CPU_ON, NOBODY, RAM_BASE, 0), (u64)PSCI_INVALID_PARAMETERS,
	       "CPU_ON of nobody: invalid parameters");
	tap_is((u64)affinity_info(NOBODY), (u64)PSCI_INVALID_PARAMETERS,
	       "AFFINITY_INFO of nobody: invalid parameters");
	tap_is((u64)smccc_call(PSCI_AFFINITY_INFO, cpu_mpidr(0), AFFINITY_LEVELS, 0),
	       (u64)PSCI_INVALID_PARAMETERS, "AFFINITY_INFO of level 4: invalid parameters");
}

static void life_test(u64 context)
{
	struct cpu *cpu = cpu_at(1);

	tap_is((u64)affinity_info(cpu_mpidr(1)), PSCI_AFFINITY_OFF, "vCPU 1 is off");
	context_seen = 0;
	stay = 1;
	tap_is((u64)cpu_start(1, guest_of_psci, context), PSCI_SUCCESS, "CPU_ON");
	while (!__atomic_load_n(&context_seen, __ATOMIC_ACQUIRE))
		cpu_relax();
	tap_is(context_seen, context, "the context id arrives in x0");
	tap_is(cpu->boot_el, 1 << 2, "entered at EL1");
	tap_is(cpu->boot_sctlr & SCTLR_M, 0, "entered with the MMU off");
	tap_is(cpu->boot_daif, 0xf << 6, "entered with D, A, I and F masked");
	tap_is((u64)affinity_info(cpu_mpidr(1)), PSCI_AFFINITY_ON, "vCPU 1 is on");
	tap_is((u64)smccc_call(PSCI_CPU_ON, cpu_mpidr(1), RAM_BASE, 0), (u64)PSCI_ALREADY_ON,
	       "CPU_ON again: already on");
	__atomic_store_n(&stay, 0, __ATOMIC_RELEASE);
	cpu_wait(1);
	tap_ok(true, "vCPU 1 turns itself off");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	if (cpu_count() < 2)
		tap_skip_all("needs 2 vCPUs");
	features_test();
	targets_test();
	life_test(CONTEXT);
	life_test(~CONTEXT);
	return tap_done();
}
