/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The hardware's stage-2 walker, written from the Arm ARM (D8.2 translation process,
 * D8.3 descriptors, D8.4 permissions, D8.5 access flag and dirty state, D8.6 memory
 * attributes) for the 4K granule with 48-bit addresses. It shares neither code nor
 * constants with core/s2: the two agree because the architecture says so, or a test fails.
 *
 * It has two manners. By default it is strict: a register or descriptor that software must
 * not write, or that nothing in this project may write, is EMU_FAULT_RESERVED, so that core
 * cannot write one unseen. With emu_mmu.hardware it does what the architecture says a PE
 * does then:
 *	RES0 bits of registers and descriptors, and SH = 0b01, have no effect (D8.3.1);
 *	a reserved descriptor type, a block at level 0 included, is invalid (D8.3.1);
 *	a start level that does not fit the input size is a translation fault at level 0
 *	(D8.2.4, AArch64.S2InvalidSL and S2InconsistentSL);
 *	a reserved MemAttr gives a type that is not known, and no fault (D8.6.5, D8.6.6).
 * Where the architecture allows several behaviours, this is the choice:
 *	VTCR_EL2.T0SZ out of range: translation fault, level 0 (the other: the nearest in range);
 *	the contiguous bit, and nT in a block, have no effect (others: a fault);
 *	a fetch from Device memory is served (the other: a permission fault);
 *	a permission fault leaves the descriptor alone (the other: AF and dirty state are set).
 *
 * tests/s2diff compares it with the CPUs of QEMU.
 *
 * Not here: LPA2 (VTCR_EL2.DS), indirect permissions and overlays (S2PIE, S2POE), AssuredOnly,
 * table access flags (FEAT_HAFT), granules of 16K and 64K, Secure and Realm state.
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
	u8 hafdbs;     /* ID_AA64MMFR1_EL1.HAFDBS: 0 none, 1 VTCR_EL2.HA, 2 HD as well */
	bool ttst;     /* FEAT_TTST: small tables, start level 3 */
	bool ptw;      /* HCR_EL2.PTW */
	bool hardware; /* not strict */
};

/*
 * Tag accesses and checked ones are to what stage 1 says is Tagged; to anything else they
 * are EMU_READ or EMU_WRITE (D10.4.1).
 */
enum emu_access {
	EMU_READ,
	EMU_WRITE,
	EMU_FETCH_EL1,
	EMU_FETCH_EL0,
	EMU_TAG_READ,
	EMU_TAG_WRITE,
	EMU_ATOMIC,	   /* reads and writes at once */
	EMU_CHECKED_READ,  /* a load whose tag is compared: reads the tag */
	EMU_CHECKED_WRITE, /* a store whose tag is compared: reads the tag */
	EMU_TABLE_READ,	   /* a stage-1 walk reads a descriptor */
	EMU_TABLE_WRITE,   /* a stage-1 walk sets AF or dirty state in one */
};

enum emu_fault {
	EMU_FAULT_NONE,
	EMU_FAULT_ADDRESS_SIZE,
	EMU_FAULT_TRANSLATION,
	EMU_FAULT_ACCESS_FLAG,
	EMU_FAULT_PERMISSION,
	EMU_FAULT_TAG,	    /* a permission fault with TagAccess */
	EMU_FAULT_RESERVED, /* strict: what must not be written */
	EMU_FAULT_MEMORY,   /* the walk read what is no table: an external abort on hardware */
};

/* The type that the guest gets if its stage 1 says Normal write-back, Tagged. */
enum emu_type {
	EMU_WB,
	EMU_NC,
	EMU_nGnRnE,
	EMU_nGnRE,
	EMU_nGRE,
	EMU_GRE,
	EMU_MIXED,   /* Normal: write-through, or inner and outer differ */
	EMU_UNKNOWN, /* a reserved encoding */
};

struct emu_walk {
	enum emu_fault fault;
	int level;  /* of the fault or the leaf; in a walk, of the descriptor at @at */
	bool s1ptw; /* ESR_EL2.S1PTW */
	bool write; /* ESR_EL2.WnR; false with S1PTW, where it means nothing */
	u64 pa;	    /* of the byte */
	enum emu_type type;
	bool forced; /* write-back whatever stage 1 says */
	bool notag;  /* NoTagAccess */
	bool tagged; /* tag accesses reach tags; else they read 0 and store nothing */
	u64 at;	     /* address of the last descriptor */
	u64 desc;    /* the last descriptor read */
	u64 update;  /* what the access makes of @desc: AF and dirty state set */
};

/* One access to @ipa; the descriptor's update is stored. */
struct emu_walk emu_mmu_access(const struct emu_mmu *mmu, u64 ipa, enum emu_access access);

/*
 * The same in steps, for a model that keeps descriptors: emu_mmu_start(), then for each
 * descriptor, read from w->at, emu_mmu_step() until it is not EMU_STEP_TABLE, and with
 * EMU_STEP_LEAF emu_mmu_leaf().
 */
enum emu_step { EMU_STEP_TABLE, EMU_STEP_LEAF, EMU_STEP_FAULT };

/* Fills @w: EMU_STEP_TABLE with the first w->at and w->level, or EMU_STEP_FAULT. */
enum emu_step emu_mmu_start(const struct emu_mmu *mmu, u64 ipa, struct emu_walk *w);
/* Takes @desc as the descriptor at w->at; after a table w->at and w->level are the next one's. */
enum emu_step emu_mmu_step(const struct emu_mmu *mmu, u64 ipa, struct emu_walk *w, u64 desc);
/*
 * What @access gives by the leaf w->desc at w->level, whatever else @w holds; nothing is
 * read or stored, w->update says what would be. A leaf that a step refused for its
 * address is not to be brought here.
 */
void emu_mmu_leaf(const struct emu_mmu *mmu, u64 ipa, enum emu_access access, struct emu_walk *w);

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
