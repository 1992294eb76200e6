// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's own translation tables, read as its walker reads them (Arm ARM D8.2, D8.3):
 * for the level of a walk that met no memory, which stage 2 does not report.
 */
#include <linux/uaccess.h>

#include "arm.h"
#include "gmem.h"
#include "vcpu.h"

/* TCR_EL1 (D24.2.163). TG0 and TG1 number the granules differently. */
#define TCR_FIELD_T0SZ GENMASK_ULL(5, 0)
#define TCR_FIELD_TG0  GENMASK_ULL(15, 14)
#define TCR_FIELD_T1SZ GENMASK_ULL(21, 16)
#define TCR_FIELD_TG1  GENMASK_ULL(31, 30)

/* TTBRn_EL1 (D24.2.171), a table is aligned; and which of them translates an address. */
#define TTBR_BADDR GENMASK_ULL(47, 3)
#define VA_UPPER   BIT_ULL(55)

/* A descriptor that points to the next level's table (D8.3.1). */
#define DESC_TYPE  GENMASK_ULL(1, 0)
#define DESC_TABLE 3
#define DESC_NEXT  GENMASK_ULL(47, 12)

#define LEVEL_LAST 3
#define LEVEL_NONE (-1)

struct s1_regime {
	unsigned int page_shift;
	unsigned int va_bits;
	u64 table;
};

static unsigned int granule0(u64 tg)
{
	static const u8 shift[] = { 12, 16, 14, 12 };

	return shift[tg];
}

static unsigned int granule1(u64 tg)
{
	static const u8 shift[] = { 12, 14, 12, 16 };

	return shift[tg];
}

static struct s1_regime regime_of(struct tsr_vcpu *v, u64 va)
{
	u64 tcr = tsr_vreg_get(v, VREG_TCR);

	if (va & VA_UPPER)
		return (struct s1_regime){
			.page_shift = granule1(FIELD_GET(TCR_FIELD_TG1, tcr)),
			.va_bits = 64 - FIELD_GET(TCR_FIELD_T1SZ, tcr),
			.table = tsr_vreg_get(v, VREG_TTBR1) & TTBR_BADDR,
		};
	return (struct s1_regime){
		.page_shift = granule0(FIELD_GET(TCR_FIELD_TG0, tcr)),
		.va_bits = 64 - FIELD_GET(TCR_FIELD_T0SZ, tcr),
		.table = tsr_vreg_get(v, VREG_TTBR0) & TTBR_BADDR,
	};
}

static bool desc_load(struct tsr_vcpu *v, u64 ipa, u64 *desc)
{
	struct hva hva;

	if (!vm_gpa_hva(&v->vm->mem, gpa_of(ipa), false, &hva))
		return !tsr_gmem_read(v->vm, gpa_of(ipa), desc);
	return !get_user(*desc, (u64 __user *)hva.addr);
}

static bool desc_read(struct tsr_vcpu *v, u64 ipa, u64 *desc)
{
	if (!desc_load(v, ipa, desc))
		return false;
	if (tsr_vreg_get(v, VREG_SCTLR) & SCTLR_EE)
		*desc = swab64(*desc);
	return true;
}

int tsr_s1_level(struct tsr_vcpu *v, u64 va, u64 ipa)
{
	struct s1_regime r = regime_of(v, va);
	const unsigned int stride = r.page_shift - 3;
	int level;

	/* Fewer than a level's, or more than 48 bits: the guest is offered neither. */
	if (r.va_bits <= r.page_shift || r.va_bits > 48)
		return LEVEL_NONE;
	level = LEVEL_LAST + 1 - DIV_ROUND_UP(r.va_bits - r.page_shift, stride);
	va &= GENMASK_ULL(r.va_bits - 1, 0);
	for (;;) {
		unsigned int shift = r.page_shift + (LEVEL_LAST - level) * stride;
		u64 at = r.table + ((va >> shift) << 3);
		u64 desc;

		if ((at & PAGE_MASK) == ipa)
			return level;
		if (level == LEVEL_LAST || !desc_read(v, at, &desc) ||
		    (desc & DESC_TYPE) != DESC_TABLE)
			return LEVEL_NONE;
		r.table = desc & DESC_NEXT & ~(BIT_ULL(r.page_shift) - 1);
		va &= BIT_ULL(shift) - 1;
		level++;
	}
}
