/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What arch/arm64/kvm/hyp/pgtable.c wants of its surroundings:
 * a machine with 4 KiB pages, 48 bits of
 * physical addresses, FEAT_S2FWB, FEAT_XNX and FEAT_TLBIRANGE. What the kernel patches into its
 * code at boot is constant here; TLB and cache maintenance and RCU's readers are nothing.
 * Values of the architecture are those of the Arm ARM, D24.2 (VTCR_EL2) and D8.6.
 */
#ifndef BENCH_SHIM_KVM_H
#define BENCH_SHIM_KVM_H

#include "shim/linux.h"

/* --- The kernel --- */
#define CONFIG_ARM64_4K_PAGES	1
#define CONFIG_ARM64_PA_BITS_52 0
#define PTRS_PER_PTE		512

typedef u64 phys_addr_t;
typedef u64 kvm_pfn_t;
#define __phys_to_pfn(pa) ((pa) >> PAGE_SHIFT)

struct rb_root_cached {
	void *unused;
};

#define KVM_MMU_CACHE_OBJECTS 40

struct kvm_mmu_memory_cache {
	int nobjs;
	void *objects[KVM_MMU_CACHE_OBJECTS];
};

struct kvm_pgtable;

struct kvm_s2_mmu {
	struct kvm_pgtable *pgt;
	u64 vtcr;
	struct kvm_mmu_memory_cache split_page_cache;
};

/* --- The machine --- */
enum {
	ARM64_KVM_HVHE,
	ARM64_HAS_XNX,
	ARM64_HAS_STAGE2_FWB,
};

static inline bool cpus_have_final_cap(int cap)
{
	return cap == ARM64_HAS_XNX || cap == ARM64_HAS_STAGE2_FWB;
}

#define system_supports_lpa2()	     false
#define system_supports_bti_kernel() false
#define system_supports_tlb_range()  true
#define MAX_TLBI_RANGE_PAGES	     (1UL << 21)
#define TLBI_TTL_UNKNOWN	     0x7fffffff

#define kvm_call_hyp(f, ...)		 ((void)0)
#define __tlbi_level(op, address, level) ((void)0)
#define __tlbi_sync_s1ish_hyp()		 ((void)0)
#define isb()				 ((void)0)
#define dsb(domain)			 ((void)0)

#define cpuid_feature_extract_unsigned_field(reg, shift) ((reg) >> (shift) & 0xf)
#define get_vmid_bits(mmfr1)				 16
#define ID_AA64MMFR0_EL1_PARANGE_SHIFT			 0
#define ID_AA64MMFR0_EL1_PARANGE_48			 5
#define ID_AA64MMFR0_EL1_PARANGE_52			 6

#define ARM64_HW_PGTABLE_LEVELS(bits)	    (((bits) - 4) / (PAGE_SHIFT - 3))
#define ARM64_HW_PGTABLE_LEVEL_SHIFT(level) ((PAGE_SHIFT - 3) * (4 - (level)) + 3)

#define VTCR_EL2_T0SZ	   GENMASK(5, 0)
#define VTCR_EL2_SL0	   GENMASK(7, 6)
#define VTCR_EL2_SL0_MASK  VTCR_EL2_SL0
#define VTCR_EL2_PS	   GENMASK(18, 16)
#define VTCR_EL2_VS	   BIT(19)
#define VTCR_EL2_HA	   BIT(21)
#define VTCR_EL2_DS	   BIT_ULL(32)
#define VTCR_EL2_FLAGS	   (BIT(31) | GENMASK(13, 12) | BIT(10) | BIT(8))
#define VTCR_EL2_IPA(vtcr) (64 - FIELD_GET(VTCR_EL2_T0SZ, (vtcr)))

#define VTCR_EL2_TGRAN_SL0_BASE	   2UL
#define VTCR_EL2_LVLS_TO_SL0(lvls) FIELD_PREP(VTCR_EL2_SL0, VTCR_EL2_TGRAN_SL0_BASE - 4 + (lvls))
#define VTCR_EL2_LVLS(vtcr)	   (FIELD_GET(VTCR_EL2_SL0, (vtcr)) + 4 - VTCR_EL2_TGRAN_SL0_BASE)

#define MT_NORMAL	       0
#define MT_DEVICE_nGnRE	       4
#define MT_S2_FWB_NORMAL       6
#define MT_S2_FWB_NORMAL_NC    5
#define MT_S2_FWB_DEVICE_nGnRE 1
#define MT_S2_FWB_AS_S1	       7
#define PAGE_S2_MEMATTR(attr)  ((u64)MT_S2_FWB_##attr << 2)

#endif
