/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The registers of memory tagging belong to the vCPU: GCR_EL1, RGSR_EL1, TFSR_EL1
 * and TFSRE0_EL1 are kept over exits, with other values on each vCPU, and so is the
 * sequence of random tags that RGSR_EL1 starts.
 */
#include "guest.h"

#define GCR_EXCLUDE GENMASK(15, 0)
#define RGSR_TAG    GENMASK(3, 0)
#define RGSR_SEED   GENMASK(23, 8)
#define TFSR_BITS   GENMASK(1, 0)

#define ROUNDS 60
#define DRAWS  64

static u64 wrong[CPU_MAX], drawn_apart[CPU_MAX];

static void check(u64 index)
{
	u64 gcr, rgsr, tfsr, tfsre0;

	mte_on();
	for (u64 round = 0; round < ROUNDS; round++) {
		/* RRND (bit 16) stays 0: tags come from RGSR_EL1 alone. */
		gcr = pattern(round, index) & GCR_EXCLUDE;
		rgsr = pattern(round, index + 100) & (RGSR_TAG | RGSR_SEED);
		tfsr = pattern(round, index + 200) & TFSR_BITS;
		tfsre0 = pattern(round, index + 300) & TFSR_BITS;
		sysreg_write(GCR_EL1, gcr);
		sysreg_write(RGSR_EL1, rgsr);
		sysreg_write(TFSR_EL1, tfsr);
		sysreg_write(TFSRE0_EL1, tfsre0);
		isb();
		leave(round);
		wrong[index] += sysreg_read(GCR_EL1) != gcr || sysreg_read(RGSR_EL1) != rgsr ||
				sysreg_read(TFSR_EL1) != tfsr || sysreg_read(TFSRE0_EL1) != tfsre0;
	}
}

/* Two runs from one seed draw the same tags, exits or not. */
static void draw(u64 index)
{
	u8 first[DRAWS];

	mte_on();
	sysreg_write(GCR_EL1, 0);
	sysreg_write(RGSR_EL1, FIELD_PREP(RGSR_SEED, index + 1));
	isb();
	for (u32 i = 0; i < DRAWS; i++)
		first[i] = (u8)mte_tag_of(mte_irg(0, 0));
	sysreg_write(RGSR_EL1, FIELD_PREP(RGSR_SEED, index + 1));
	isb();
	for (u32 i = 0; i < DRAWS; i++) {
		leave(i);
		drawn_apart[index] += mte_tag_of(mte_irg(0, 0)) != first[i];
	}
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	mte_need();
	cpu_run_all(check);
	cpu_run_all(draw);
	for (u32 i = 0; i < cpu_count(); i++) {
		tap_is(wrong[i], 0, "vCPU %u keeps its MTE registers over %u exits", i, ROUNDS);
		tap_is(drawn_apart[i], 0, "vCPU %u draws the same tags with exits between", i);
	}
	return tap_done();
}
