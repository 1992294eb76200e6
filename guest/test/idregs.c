/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is not served is hidden in the ID registers, on every vCPU, and UNDEFINED
 * when used: SVE, SME, the PMU and other traces and profilers, AArch32, EL2.
 */
#include "guest.h"

struct field {
	const char *name;
	u32 shift, hidden; /* four bits; the value that says "absent" */
	u64 (*read)(void);
};

#define READER(name, reg)                \
	static u64 name(void)            \
	{                                \
		return sysreg_read(reg); \
	}

READER(read_pfr0, id_aa64pfr0_el1)
READER(read_pfr1, id_aa64pfr1_el1)
READER(read_pfr2, S3_0_C0_C4_2)
READER(read_zfr0, S3_0_C0_C4_4)
READER(read_smfr0, S3_0_C0_C4_5)
READER(read_dfr0, id_aa64dfr0_el1)

#define NO_AARCH32 1 /* AArch64 only */

static const struct field fields[] = {
	{ "AArch32 at EL0", 0, NO_AARCH32, read_pfr0 },
	{ "AArch32 at EL1", 4, NO_AARCH32, read_pfr0 },
	{ "EL2", 8, 0, read_pfr0 },
	{ "SVE", 32, 0, read_pfr0 },
	{ "MPAM", 40, 0, read_pfr0 },
	{ "AMU", 44, 0, read_pfr0 },
	{ "MPAM_frac", 16, 0, read_pfr1 },
	{ "SME", 24, 0, read_pfr1 },
	{ "MTEPERM", 0, 0, read_pfr2 },
	{ "TraceVer", 4, 0, read_dfr0 },
	{ "PMUVer", 8, 0, read_dfr0 },
	{ "PMSVer", 32, 0, read_dfr0 },
	{ "TraceFilt", 40, 0, read_dfr0 },
	{ "TraceBuffer", 44, 0, read_dfr0 },
	{ "BRBE", 52, 0, read_dfr0 },
	{ "SVEver", 0, 0, read_zfr0 },
	{ "SMEver", 56, 0, read_smfr0 },
};

struct use {
	const char *name;
	void (*run)(void);
};

#define USE(name, code)                                \
	static void name(void)                         \
	{                                              \
		asm volatile(code ::: "x0", "memory"); \
	}

USE(use_rdvl, ".inst 0x04bf5020")
USE(use_ptrue, ".inst 0x2518e3e0")
USE(use_zcr, "mrs x0, S3_0_C1_C2_0")
USE(use_smstart, ".inst 0xd503477f")
USE(use_rdsvl, ".inst 0x04bf5820")
USE(use_svcr, "mrs x0, S3_3_C4_C2_2")
USE(use_smcr, "mrs x0, S3_0_C1_C2_6")
USE(use_pmcr, "mrs x0, pmcr_el0")
USE(use_pmccntr, "mrs x0, pmccntr_el0")
USE(use_pmcntenset, "msr pmcntenset_el0, xzr")
USE(use_pmevcntr, "mrs x0, pmevcntr0_el0")
USE(use_pmscr, "mrs x0, S3_0_C9_C9_0")
USE(use_gcr, "mrs x0, S3_0_C1_C0_6")
USE(use_rgsr, "msr S3_0_C1_C0_5, xzr")
USE(use_tfsr, "mrs x0, S3_0_C5_C6_0")
USE(use_gmid, "mrs x0, S3_1_C0_C0_4")
USE(use_hcr, "mrs x0, hcr_el2")
USE(use_vbar_el2, "msr vbar_el2, xzr")

static const struct use uses[] = {
	{ "SVE RDVL", use_rdvl },
	{ "SVE PTRUE", use_ptrue },
	{ "ZCR_EL1", use_zcr },
	{ "SMSTART", use_smstart },
	{ "SME RDSVL", use_rdsvl },
	{ "SVCR", use_svcr },
	{ "SMCR_EL1", use_smcr },
	{ "PMCR_EL0", use_pmcr },
	{ "PMCCNTR_EL0", use_pmccntr },
	{ "PMCNTENSET_EL0", use_pmcntenset },
	{ "PMEVCNTR0_EL0", use_pmevcntr },
	{ "PMSCR_EL1", use_pmscr },
	{ "HCR_EL2", use_hcr },
	{ "VBAR_EL2", use_vbar_el2 },
};

/* UNDEFINED in a VM without MTE, whatever the host has. */
static const struct use uses_of_mte[] = {
	{ "GCR_EL1", use_gcr },
	{ "RGSR_EL1", use_rgsr },
	{ "TFSR_EL1", use_tfsr },
};

static u64 seen[CPU_MAX][ARRAY_SIZE(fields)];

static u64 field_value(const struct field *field)
{
	return field->read() >> field->shift & 0xf;
}

static void look(u64 index)
{
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		seen[index][i] = field_value(&fields[i]);
}

static void use_test(const struct use *use)
{
	struct fault fault;

	fault_arm();
	use->run();
	fault = fault_take();
	tap_is(fault.count ? FIELD_GET(ESR_EC, fault.esr) : ~0UL, EC_UNKNOWN, "%s is UNDEFINED",
	       use->name);
}

/*
 * GMID_EL1 is an identification register: with FEAT_IDST its refusal is a trap (Arm ARM
 * D1.3.3). KVM before 7.2 shows the feature and leaves it undefined.
 */
static void gmid_test(void)
{
	bool idst = sysreg_read(id_aa64mmfr2_el1) >> 36 & 0xf;
	struct fault fault;
	u64 class;

	fault_arm();
	use_gmid();
	fault = fault_take();
	class = FIELD_GET(ESR_EC, fault.esr);
	tap_is(fault.count && (class == EC_UNKNOWN || (idst && class == EC_SYSREG)), 1,
	       "GMID_EL1 is refused");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	bool mte = control_read(CONTROL_FLAGS) & CONTROL_FLAG_MTE;
	u64 differ = 0;

	cpu_run_all(look);
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++)
		tap_is(seen[0][i], fields[i].hidden, "%s is hidden", fields[i].name);
	for (u32 cpu = 1; cpu < cpu_count(); cpu++)
		differ += memcmp(seen[0], seen[cpu], sizeof(seen[0])) != 0;
	tap_is(differ, 0, "all %u vCPUs agree", cpu_count());
	tap_is(mte_present(), mte, "MTE is shown exactly if the VM has it");
	/* Opens SVE and SME as far as EL1 can, so that only the hypervisor is in the way. */
	sysreg_write(cpacr_el1, 3UL << 16 | 3UL << 20 | 3UL << 24);
	isb();
	for (u32 i = 0; i < ARRAY_SIZE(uses); i++)
		use_test(&uses[i]);
	for (u32 i = 0; i < ARRAY_SIZE(uses_of_mte) && !mte; i++)
		use_test(&uses_of_mte[i]);
	if (!mte)
		gmid_test();
	return tap_done();
}
