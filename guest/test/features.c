/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ID registers tell the truth: a register of an optional feature can be read
 * if the feature is shown, and is UNDEFINED if it is not. On every vCPU.
 */
#include "guest.h"

#define READER(name, reg)                \
	static u64 name(void)            \
	{                                \
		return sysreg_read(reg); \
	}

READER(id_pfr0, id_aa64pfr0_el1)
READER(id_pfr1, id_aa64pfr1_el1)
READER(id_pfr2, S3_0_C0_C4_2)
READER(id_dfr0, id_aa64dfr0_el1)
READER(id_isar0, id_aa64isar0_el1)
READER(id_mmfr1, id_aa64mmfr1_el1)
READER(id_mmfr3, S3_0_C0_C7_3)

READER(read_zcr, S3_0_C1_C2_0)
READER(read_smcr, S3_0_C1_C2_6)
READER(read_gcr, GCR_EL1)
READER(read_gcscr, S3_0_C2_C5_0)
READER(read_icc_pmr, S3_0_C4_C6_0)
READER(read_icc_iar1, S3_0_C12_C12_0)
READER(read_erridr, S3_0_C5_C3_0)
READER(read_mpam1, S3_0_C10_C5_0)
READER(read_amcr, S3_3_C13_C2_0)
READER(read_fpmr, S3_3_C4_C4_2)
READER(read_pmcr, pmcr_el0)
READER(read_pmscr, S3_0_C9_C9_0)
READER(read_trfcr, S3_0_C1_C2_1)
READER(read_trblimitr, S3_0_C9_C11_0)
READER(read_brbcr, S2_1_C9_C0_0)
READER(read_rndr, S3_3_C2_C4_0)
READER(read_lorc, S3_0_C10_C4_3)
READER(read_tcr2, S3_0_C2_C0_3)
READER(read_sctlr2, S3_0_C1_C0_3)
READER(read_pir, S3_0_C10_C2_3)
READER(read_por, S3_0_C10_C2_4)

/* A field of four bits; the feature is there from value @from on. */
static const struct feature {
	const char *name;
	u64 (*id)(void);
	u32 shift, from;
	u64 (*use)(void);
} features[] = {
	{ "SVE (ZCR_EL1)", id_pfr0, 32, 1, read_zcr },
	{ "GICv3 (ICC_PMR_EL1)", id_pfr0, 24, 1, read_icc_pmr },
	{ "GICv3 (ICC_IAR1_EL1)", id_pfr0, 24, 1, read_icc_iar1 },
	{ "RAS (ERRIDR_EL1)", id_pfr0, 28, 1, read_erridr },
	{ "MPAM (MPAM1_EL1)", id_pfr0, 40, 1, read_mpam1 },
	{ "AMU (AMCR_EL0)", id_pfr0, 44, 1, read_amcr },
	{ "SME (SMCR_EL1)", id_pfr1, 24, 1, read_smcr },
	{ "MTE2 (GCR_EL1)", id_pfr1, 8, 2, read_gcr },
	{ "GCS (GCSCR_EL1)", id_pfr1, 44, 1, read_gcscr },
	{ "FPMR", id_pfr2, 32, 1, read_fpmr },
	{ "PMU (PMCR_EL0)", id_dfr0, 8, 1, read_pmcr },
	{ "SPE (PMSCR_EL1)", id_dfr0, 32, 1, read_pmscr },
	{ "TRF (TRFCR_EL1)", id_dfr0, 40, 1, read_trfcr },
	{ "TRBE (TRBLIMITR_EL1)", id_dfr0, 44, 1, read_trblimitr },
	{ "BRBE (BRBCR_EL1)", id_dfr0, 52, 1, read_brbcr },
	{ "RNDR", id_isar0, 60, 1, read_rndr },
	{ "LOR (LORC_EL1)", id_mmfr1, 16, 1, read_lorc },
	{ "TCR2 (TCR2_EL1)", id_mmfr3, 0, 1, read_tcr2 },
	{ "SCTLR2 (SCTLR2_EL1)", id_mmfr3, 4, 1, read_sctlr2 },
	{ "S1PIE (PIR_EL1)", id_mmfr3, 8, 1, read_pir },
	{ "S1POE (POR_EL1)", id_mmfr3, 16, 1, read_por },
};

#define ANYTHING	~0UL /* but UNDEFINED: it could be read */
#define NOT_IMPLEMENTED 0xf  /* of PMUVer and the like: something else than the architecture's */

struct finding {
	u64 shown, faults, class;
};

static struct finding findings[CPU_MAX][ARRAY_SIZE(features)];

static void look(u64 index)
{
	/* Opens SVE and SME as far as EL1 can, so that only the hypervisor is in the way. */
	sysreg_write(cpacr_el1, 3UL << 16 | 3UL << 20 | 3UL << 24);
	isb();
	for (u32 i = 0; i < ARRAY_SIZE(features); i++) {
		u64 value = features[i].id() >> features[i].shift & 0xf;
		struct fault fault;

		fault_arm();
		features[i].use();
		fault = fault_take();
		findings[index][i].shown = value >= features[i].from && value != NOT_IMPLEMENTED;
		findings[index][i].faults = fault.count;
		findings[index][i].class = FIELD_GET(ESR_EC, fault.esr);
	}
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u64 differ = 0;

	cpu_run_all(look);
	for (u32 i = 0; i < ARRAY_SIZE(features); i++) {
		const struct finding *found = &findings[0][i];

		if (found->shown)
			tap_is(found->faults, 0, "%s is shown and there", features[i].name);
		else
			tap_is(found->faults ? found->class : ANYTHING, EC_UNKNOWN,
			       "%s is not shown and UNDEFINED", features[i].name);
	}
	for (u32 cpu = 1; cpu < cpu_count(); cpu++)
		differ += memcmp(findings[0], findings[cpu], sizeof(findings[0])) != 0;
	tap_is(differ, 0, "all %u vCPUs agree", cpu_count());
	return tap_done();
}
