/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hardware's stage-2 walker, written from the Arm ARM (D8.2 translation process,
 * D8.3 descriptors, D8.4 permissions, D8.5 access flag, D8.6 memory attributes) for the
 * 4K granule with 48-bit addresses. It shares neither code nor constants with core/s2: the
 * two agree because the architecture says so, or a test fails.
 */
#ifndef EMU_MMU_H
#define EMU_MMU_H

#include "types.h"

/* The registers and features that a walk depends on. */
struct emu_mmu {
	u64 vttbr; /* VTTBR_EL2; VMID and CnP ignored */
	u64 vtcr;  /* VTCR_EL2 */
	bool fwb;  /* HCR_EL2.FWB */
	bool mte_perm;
	bool xnx;
	u8 pa_bits;
};

enum emu_access { EMU_READ, EMU_WRITE, EMU_FETCH_EL1, EMU_FETCH_EL0, EMU_TAG_READ, EMU_TAG_WRITE };

enum emu_fault {
	EMU_FAULT_NONE,
	EMU_FAULT_ADDRESS_SIZE,
	EMU_FAULT_TRANSLATION,
	EMU_FAULT_ACCESS_FLAG,
	EMU_FAULT_PERMISSION,
	EMU_FAULT_TAG,	    /* a permission fault with TagAccess */
	EMU_FAULT_RESERVED, /* an encoding that software must not use */
	EMU_FAULT_MEMORY,   /* the walk read what is no table */
};

/* The type that the guest gets if its stage 1 says Normal write-back, Tagged. */
enum emu_type { EMU_WB, EMU_NC, EMU_nGnRnE, EMU_nGnRE, EMU_nGRE, EMU_GRE };

struct emu_walk {
	enum emu_fault fault;
	int level; /* of the fault or the leaf */
	u64 pa;	   /* of the byte */
	enum emu_type type;
	bool forced; /* write-back whatever stage 1 says */
	bool notag;  /* NoTagAccess */
	u64 desc;    /* the last descriptor read */
};

/* One access to @ipa. */
struct emu_walk emu_mmu_access(const struct emu_mmu *mmu, u64 ipa, enum emu_access access);

/*
 * A walk and what the access does with its result stand between these two; a TLB
 * invalidation waits for all that have begun, as a DSB after it does on hardware.
 */
void emu_mmu_begin(void);
void emu_mmu_end(void);

/* Shorthand: what an access gives, faults as they are. */
static inline enum emu_fault emu_mmu_try(const struct emu_mmu *mmu, u64 ipa, enum emu_access access)
{
	return emu_mmu_access(mmu, ipa, access).fault;
}

#endif
