// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seam on the machine: TLB and cache maintenance.
 *
 * Under VHE a TLBI by VMID reaches a guest's entries only with HCR_EL2.TGE = 0
 * and that VMID in VTTBR_EL2 (Arm ARM D8.17: the current translation regime's
 * VMID is used). Each operation here borrows both with interrupts off and puts
 * back what it found, which may be those of a guest that is loaded on this CPU.
 */
#include <linux/irqflags.h>
#include <asm/cache.h>
#include <asm/cacheflush.h>
#include <asm/cpufeature.h>
#include <asm/kvm_arm.h>
#include <asm/memory.h>
#include <asm/tlbflush.h>

#include "compat.h"
#include "tessera.h"
#include "window.h"

/* TLBI IPAS2E1IS: TTL hint [47:44] (FEAT_TTL) and IPA[47:12] (Arm ARM C5.5). */
#define IPA_OP_TTL  GENMASK_ULL(47, 44)
#define IPA_OP_PAGE GENMASK_ULL(35, 0)

/* TLBI RIPAS2E1IS: (NUM + 1) * 2^(5 * SCALE + 1) pages from BaseADDR. */
#define RANGE_OP_TG    GENMASK_ULL(47, 46)
#define RANGE_OP_SCALE GENMASK_ULL(45, 44)
#define RANGE_OP_NUM   GENMASK_ULL(43, 39)
#define RANGE_OP_TTL   GENMASK_ULL(38, 37)
#define RANGE_OP_BASE  GENMASK_ULL(36, 0)

#define TG_4K		1
#define RANGE_MAX_SCALE 3

/*
 * Beyond so many operations all of the VM's entries go. Measured on the emulated host
 * (cortex-a76, one CPU, averages of 50): an operation by IPA takes 0.39 us above the 7 us
 * that each invalidation takes for its context and barriers, one by VMID 7.4 us, and a page
 * that is translated anew 0.24 us. So 64 operations take as long as 100 translations: about
 * what the first TLB of a core holds. Stage-1 entries go in either case.
 */
#define TLBI_OPS_MAX 64

/* What a borrowed context has to put back. */
struct tlb_context {
	unsigned long irq;
	u64 hcr;
	u64 vttbr;
	u64 vtcr;
	u64 tcr, sctlr; /* EL1's; with ARM64_WORKAROUND_SPECULATIVE_AT alone */
};

/*
 * Arm errata 1165522 and 1530923: a speculative AT may walk EL1's stage 1, which is another
 * VM's or nobody's here, and leave what it finds in the TLBs under the borrowed VMID. With
 * the MMU on and no walks allowed it finds nothing.
 */
static void stage1_close(struct tlb_context *was)
{
	was->tcr = read_sysreg_s(SYS_TCR_EL12);
	was->sctlr = read_sysreg_s(SYS_SCTLR_EL12);
	write_sysreg_s(was->tcr | TCR_EPD1_MASK | TCR_EPD0_MASK, SYS_TCR_EL12);
	write_sysreg_s(was->sctlr | SCTLR_ELx_M, SYS_SCTLR_EL12);
	isb();
}

static void stage1_open(const struct tlb_context *was)
{
	write_sysreg_s(was->tcr, SYS_TCR_EL12);
	write_sysreg_s(was->sctlr, SYS_SCTLR_EL12);
}

static void tlb_borrow(const struct seam_tlb *tlb, struct tlb_context *was)
{
	local_irq_save(was->irq);
	was->hcr = read_sysreg(hcr_el2);
	was->vttbr = read_sysreg(vttbr_el2);
	was->vtcr = read_sysreg(vtcr_el2);
	if (cpus_have_final_cap(ARM64_WORKAROUND_SPECULATIVE_AT))
		stage1_close(was);
	if (was->vttbr != tlb->vttbr) {
		write_sysreg(tlb->vtcr, vtcr_el2);
		write_sysreg(tlb->vttbr, vttbr_el2);
		isb();
	}
	write_sysreg_hcr(was->hcr & ~HCR_TGE);
	isb();
}

static void tlb_give_back(const struct seam_tlb *tlb, const struct tlb_context *was)
{
	write_sysreg_hcr(was->hcr);
	isb();
	if (was->vttbr != tlb->vttbr) {
		write_sysreg(was->vttbr, vttbr_el2);
		write_sysreg(was->vtcr, vtcr_el2);
		isb();
	}
	if (cpus_have_final_cap(ARM64_WORKAROUND_SPECULATIVE_AT))
		stage1_open(was);
	local_irq_restore(was->irq);
}

static void tlbi_ipa(u64 page, int level)
{
	u64 op = FIELD_PREP(IPA_OP_PAGE, page);

	if (level >= 0 && cpus_have_final_cap(ARM64_HAS_ARMv8_4_TTL))
		op |= FIELD_PREP(IPA_OP_TTL, TG_4K << 2 | level);
	__tlbi(ipas2e1is, op);
}

static void tlbi_ipa_range(u64 page, int scale, u64 num, int level)
{
	u64 op = FIELD_PREP(RANGE_OP_TG, TG_4K) | FIELD_PREP(RANGE_OP_SCALE, scale) |
		 FIELD_PREP(RANGE_OP_NUM, num) | FIELD_PREP(RANGE_OP_BASE, page);

	if (level > 0)
		op |= FIELD_PREP(RANGE_OP_TTL, level);
	__tlbi(ripas2e1is, op);
}

/* At most one operation a scale and one for the odd page, for less than 2^21 pages. */
static void tlbi_by_ranges(u64 page, u64 pages, int level)
{
	int scale;

	for (scale = RANGE_MAX_SCALE; scale >= 0; scale--) {
		unsigned int shift = 5 * scale + 1;
		u64 count = pages >> shift;

		if (!count)
			continue;
		tlbi_ipa_range(page, scale, count - 1, level);
		page += count << shift;
		pages -= count << shift;
	}
	if (pages)
		tlbi_ipa(page, level);
}

static void tlbi_by_entries(u64 page, u64 pages, u64 stride, int level)
{
	u64 done;

	for (done = 0; done < pages; done += stride)
		tlbi_ipa(page + done, level);
}

/* A level is a promise about every entry: only for what is made of its whole entries. */
static int tlbi_level(u64 page, u64 pages, int level)
{
	u64 stride = level < 0 ? 1 : 1ULL << TSR_LEVEL_ORDER(level);

	return (page | pages) & (stride - 1) ? -1 : level;
}

void seam_tlbi_range(struct seam_tlb *tlb, struct gfn gfn, u64 pages, int level)
{
	bool by_ranges = tsr_host.tlb_range && pages > 1;
	int hint = tlbi_level(gfn.nr, pages, level);
	u64 stride = hint < 0 ? 1 : 1ULL << TSR_LEVEL_ORDER(hint);
	struct tlb_context was;

	if (!pages)
		return;
	if (by_ranges ? pages >> 21 : pages / stride > TLBI_OPS_MAX) {
		seam_tlbi_vmid(tlb);
		return;
	}
	tlb_borrow(tlb, &was);
	if (by_ranges)
		tlbi_by_ranges(gfn.nr, pages, hint);
	else
		tlbi_by_entries(gfn.nr, pages, stride, hint);
	/* Stage 1 entries may hold the combination: only by VMID, and only afterwards. */
	dsb(ish);
	__tlbi(vmalle1is);
	__tlbi_sync_s1ish_hyp();
	isb();
	tlb_give_back(tlb, &was);
}

void seam_tlbi_vmid(struct seam_tlb *tlb)
{
	struct tlb_context was;

	dsb(ishst);
	tlb_borrow(tlb, &was);
	__tlbi(vmalls12e1is);
	__tlbi_sync_s1ish_hyp();
	isb();
	tlb_give_back(tlb, &was);
}

static void dcache_clean_inval(void *mapping, u64 size)
{
	u64 line = 4ULL << FIELD_GET(CTR_EL0_DminLine_MASK, read_sanitised_ftr_reg(SYS_CTR_EL0));
	unsigned long at = (unsigned long)mapping, end = at + size;

	for (; at < end; at += line)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
}

/* Through windows; what has none is in no cache by our doing. */
static void windows_clean_inval(struct hpa hpa, u64 size)
{
	u64 done, piece;

	for (done = 0; done < size; done += piece) {
		struct hpa from = hpa_of(hpa.addr + done);
		void *mapping;

		piece = size - done;
		mapping = tsr_window_get(from, &piece);
		if (!mapping)
			continue;
		dcache_clean_inval(mapping, piece);
		dsb(sy);
		tsr_window_put(from);
	}
}

/* What is asked for lies in memory that is all mapped by the kernel, or none of it. */
static bool kernel_maps(struct hpa hpa)
{
	return pfn_is_map_memory(PHYS_PFN(hpa.addr));
}

/* Where tags could be in lines of their own there is FEAT_S2FWB: nothing is cleaned of them. */
void seam_dcache_clean_inval_poc(struct hpa hpa, u64 size)
{
	if (!kernel_maps(hpa)) {
		windows_clean_inval(hpa, size);
		return;
	}
	dcache_clean_inval(phys_to_virt(hpa.addr), size);
	dsb(sy);
}

/*
 * What is to be fetched is clean already. All goes where an aliasing cache may hold the guest's
 * lines at other indexes; where the kernel has no address for the memory; and where Linux would
 * not go by lines either: each is a broadcast that holds up every CPU, and a block has ten
 * thousands.
 */
void seam_icache_inval_pou(struct hpa hpa, u64 size)
{
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);
	u64 line = 4ULL << FIELD_GET(CTR_EL0_IminLine_MASK, ctr);
	bool by_line = kernel_maps(hpa) && size <= MAX_DVM_OPS * line;

	if (by_line && FIELD_GET(CTR_EL0_L1Ip_MASK, ctr) == CTR_EL0_L1Ip_PIPT) {
		unsigned long at = (unsigned long)phys_to_virt(hpa.addr);

		caches_clean_inval_pou(at, at + size);
		return;
	}
	/* With CTR_EL0.IDC nothing was cleaned, and the page may have been written just now. */
	dsb(ishst);
	icache_inval_all_pou();
}
