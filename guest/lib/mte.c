/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "mte.h"
#include "tap.h"

#define PFR1_MTE      GENMASK(11, 8)
#define DCZID_BS      GENMASK(3, 0) /* log2 of words of 4 bytes */
#define GMID_BS	      GENMASK(3, 0) /* the same */
#define WORD_SIZE     4
#define MTE_IN_MEMORY 2
#define MTE_ASYMM     3
#define RGSR_SEED     GENMASK(23, 8)

void mte_tco_set(void);
void mte_tco_clear(void);

bool mte_present(void)
{
	return FIELD_GET(PFR1_MTE, sysreg_read(id_aa64pfr1_el1)) >= MTE_IN_MEMORY;
}

bool mte_asymmetric(void)
{
	return FIELD_GET(PFR1_MTE, sysreg_read(id_aa64pfr1_el1)) >= MTE_ASYMM;
}

void mte_on(void)
{
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | SCTLR_ATA | SCTLR_ATA0);
	isb();
	mte_tco_clear();
	mte_check(MTE_CHECK_OFF);
}

void mte_need(void)
{
	if (!mte_present())
		tap_skip_all("this VM has no tags in memory (ID_AA64PFR1_EL1.MTE < 2)");
	mte_on();
}

void mte_check(enum mte_check how)
{
	u64 sctlr = sysreg_read(sctlr_el1) & ~(SCTLR_TCF | SCTLR_TCF0);

	sctlr |= FIELD_PREP(SCTLR_TCF, how) | FIELD_PREP(SCTLR_TCF0, how);
	dsb();
	sysreg_write(sctlr_el1, sctlr);
	isb();
}

void mte_tco(u64 on)
{
	if (on)
		mte_tco_set();
	else
		mte_tco_clear();
}

u64 mte_async_take(void)
{
	u64 tfsr;

	dsb();
	isb();
	tfsr = sysreg_read(TFSR_EL1);
	sysreg_write(TFSR_EL1, 0);
	isb();
	return tfsr;
}

u64 mte_async_take_el0(void)
{
	u64 tfsr;

	dsb();
	isb();
	tfsr = sysreg_read(TFSRE0_EL1);
	sysreg_write(TFSRE0_EL1, 0);
	isb();
	return tfsr;
}

void mte_seed(u64 seed)
{
	/* From a seed of 0 the tag never changes (Arm ARM, AArch64.NextRandomTagBit). */
	sysreg_write(RGSR_EL1, FIELD_PREP(RGSR_SEED, seed << 1 | 1));
	sysreg_write(GCR_EL1, 0);
	isb();
}

u64 mte_block_size(void)
{
	return WORD_SIZE << FIELD_GET(GMID_BS, sysreg_read(GMID_EL1));
}

u64 mte_zva_size(void)
{
	return WORD_SIZE << FIELD_GET(DCZID_BS, sysreg_read(dczid_el0));
}
