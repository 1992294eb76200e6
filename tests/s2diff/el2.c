// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "case.h"
#include "el2.h"

/* EL2's own map: the second GiB, RAM, as one block. D8.3, D24.2. */
#define EL2_RAM		 (0x1ULL | 3 << 8 | 1 << 10)
#define MAIR_TAGGED	 0xf0
#define MAIR_WB		 0xff
#define TCR_EL2_39_BITS	 (25 | 1ULL << 8 | 1ULL << 10 | 3ULL << 12 | 1ULL << 31 | 1ULL << 23)
#define TCR_EL2_TBI	 (1ULL << 20)
#define TCR_EL2_PS_SHIFT 16
#define SCTLR_EL2_RES1	 0x30c50830ULL
#define SCTLR_EL2_ON	 (1ULL << 0 | 1ULL << 2 | 1ULL << 12)
#define SCTLR_ATA	 (1ULL << 43)

void el2_mmu_on(u64 tcr, u64 mair, u64 ttbr, u64 sctlr);
void el2_broken(void);

struct features features;

/* An exception at EL2 itself. */
void el2_broken(void)
{
	out_text("? exception at EL2: ESR ELR FAR");
	out_number(read_sysreg(esr_el2));
	out_number(read_sysreg(elr_el2));
	out_number(read_sysreg(far_el2));
	out_text("\n");
	el2_exit(1);
}

static unsigned int field(u64 value, unsigned int low)
{
	return value >> low & 0xf;
}

static void features_read(void)
{
	static const unsigned char pa_sizes[16] = { 32, 36, 40, 42, 44, 48, 48, 48 };

	features.mmfr0 = read_sysreg(id_aa64mmfr0_el1);
	features.mmfr1 = read_sysreg(id_aa64mmfr1_el1);
	features.mmfr2 = read_sysreg(S3_0_C0_C7_2);
	features.pfr1 = read_sysreg(id_aa64pfr1_el1);
	features.pfr2 = read_sysreg(S3_0_C0_C4_2);
	features.isar0 = read_sysreg(id_aa64isar0_el1);
	features.pa_bits = pa_sizes[field(features.mmfr0, 0)];
	features.mte = field(features.pfr1, 8) >= 2;
	features.fwb = field(features.mmfr2, 40);
	features.ttst = field(features.mmfr2, 28);
	features.hafdbs = field(features.mmfr1, 0);
	features.atomics = field(features.isar0, 20);
}

/* MOVZ x0, #upper half, LSL #16; MOVK x0, #lower half; BRK #0. */
static void page_code(u64 page)
{
	volatile u32 *code = (u32 *)(uintptr_t)(page + PAGE_FETCH);

	code[0] = 0xd2a00000 | (u32)(page >> 16 & 0xffff) << 5;
	code[1] = 0xf2800000 | (u32)(page & 0xffff) << 5;
	code[2] = 0xd4200000;
}

static void page_fill(u64 page)
{
	volatile u64 *word = (u64 *)(uintptr_t)page;
	u64 leads_to = (WALK_IPA + page) | S1_PAGE | S1_ATTR(S1_WB) | S1_INNER | S1_AP_EL0;

	word[PAGE_LOAD / 8] = page;
	word[PAGE_CHECK / 8] = page;
	word[PAGE_WALK / 8] = leads_to | S1_AF;
	word[PAGE_AF / 8] = leads_to;
	page_code(page);
	if (features.mte)
		el2_tag_store((page + PAGE_LDG) | (u64)page_tag(page) << 56);
}

void el2_begin(void)
{
	static u64 table[512] __attribute__((aligned(4096)));
	u64 ps;

	features_read();
	ps = features.pa_bits == 48 ? 5 : field(features.mmfr0, 0);
	table[1] = EL2_RAM | RAM_BEGIN;
	el2_mmu_on(TCR_EL2_39_BITS | TCR_EL2_TBI | ps << TCR_EL2_PS_SHIFT,
		   features.mte ? MAIR_TAGGED : MAIR_WB, (uintptr_t)table,
		   SCTLR_EL2_RES1 | SCTLR_EL2_ON | (features.mte ? SCTLR_ATA : 0));
	for (u64 page = RAM_TARGET; page < RAM_END; page += PAGE)
		page_fill(page);
}
