/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the TLBs of all CPUs may hold of one VM's stage 2, and what core does wrong with it.
 * Names like R_XCLRD are those of rules of the Arm ARM.
 *
 * Hardware may walk at any time, for any address, on any CPU that the VM may run on, and
 * keep what it finds until it is told to forget it (D8.16 R_SQBCS, D8.17 R_FFWJK). So the
 * model does not draw lots for what is cached: it keeps the set of everything that may be.
 * That is
 *	the valid entries that walkers find in the tables now, and
 *	ghosts: entries that walkers could find once and that no TLBI has removed since.
 * A mistake is reported when it can be proved that some hardware would go wrong, whether or
 * not the run came upon it. How many CPUs there are, and which of them run the VM, makes no
 * difference to the set: each may hold any part of it; TLBIs and DSBs in core are all Inner
 * Shareable.
 *
 * What is in the set:
 *  - Leaves with AF = 1. What would give a translation or access flag fault is not cached
 *    (R_XCLRD). Entries combined with a stage 1 have no level and no IPA to be found by
 *    (R_TVTYQ); they come from the same descriptors, and every seam_tlbi_*() ends with a
 *    TLBI that removes all of them, so they add nothing to the set.
 *  - Table entries: walk caches are TLBs too (R_RVJDB). As long as one may be held the walker
 *    goes on reading the table that it points to, linked or not: what is in there is in the
 *    set.
 *  - A store is seen by walkers at once or when a DSB of the actor that made it has
 *    completed (D8.2.6.1 R_SPVBD: of the same PE). Until then a TLBI does not remove the old
 *    value for good, a walker may fetch it again.
 *
 * What a TLBI removes: ghosts of its VMID whose span overlaps its range (R_QKRKL, R_TVTYQ);
 * with a level only leaves of that level (R_SQXYZ: with a wrong TTL nothing need be
 * invalidated), and none if the range does not begin where such a leaf could (I_TYBWT);
 * with -1 leaves of any level and the tables walked on the way. That a TTL spares walk caches
 * is the seam's word and stricter than the architecture. It is done when the DSB after it has
 * completed; while it lasts other actors may use what it removes.
 *
 * Where FEAT_BBM level 2 lets two sizes of a block be held at once, the architecture leaves
 * open which TLBIs other than of all the VM's entries remove both (R_GRVDR); here those do
 * that name no level, since a level is true of one size alone.
 *
 * The tables are seen through the hooks of seam_os.h, in all its ways to store to a table
 * that walkers can reach. A copy of those tables finds stores that were made otherwise.
 *
 * One VM at a time. An actor is an actor of scheduler.h, or else a thread. All functions may
 * be called from any thread.
 */
#ifndef EMU_TLB_H
#define EMU_TLB_H

#include "mmu.h"
#include "types.h"

/* ThreadSanitizer is to see the order that core itself makes: the model would add its own. */
#if defined(__SANITIZE_THREAD__)
#define EMU_TLB_OFF true
#else
#define EMU_TLB_OFF false
#endif

/* Each is a complaint. */
enum emu_tlb_rule {
	/*
	 * A valid entry was replaced by one that needs break-before-make (D8.17.1 R_WHZWS):
	 * other output address, memory attributes or shareability (NoTagAccess is MemAttr);
	 * other block size, if the host has not FEAT_BBM level 2 (D8.17.2 R_KFLJB, and with it
	 * R_PVTFW: nothing else may change); another table. The licence for output addresses
	 * of equal contents that nobody may write is not used.
	 */
	EMU_TLB_BREAK,
	/*
	 * The same, with an entry that was made invalid and is still in the set: the steps
	 * between are missing or in the wrong order (R_DDMVT).
	 */
	EMU_TLB_MAKE,
	/*
	 * An operation ended (emu_tlb_op_end()) with a ghost of its own that grants what the
	 * tables do not (D8.17 R_GPPYH).
	 */
	EMU_TLB_STALE,
	/* As before, but it grants less: the guest may fault on it for ever. */
	EMU_TLB_LESS,
	/* An operation ended and walkers need not yet see a leaf that it made (R_SPVBD). */
	EMU_TLB_UNSEEN,
	/*
	 * An entry was made valid by a store without release: the walker, another observer
	 * (D8.2.6.1 R_TGRMW), may find it before what it leads to is written (B2.3). For a leaf
	 * smp_wmb() or a DSB earlier in the operation will do.
	 */
	EMU_TLB_RELEASE,
	/* A table was freed while walkers could reach it, or was stored to after that. */
	EMU_TLB_FREED,
	/* A page was given back (emu_tlb_page_gone()) while something in the set maps it. */
	EMU_TLB_PAGE,
	/*
	 * A table that walkers can reach was changed behind the back of the hooks: by a store
	 * that need not be single-copy atomic (B2.2.1), or over another's.
	 */
	EMU_TLB_PLAIN,
	/* A table was linked in two places, or where there is no table. */
	EMU_TLB_TWICE,
	EMU_TLB_RULES
};

/* What the model has to know of a VM. */
struct emu_tlb_vm {
	u64 vttbr; /* VTTBR_EL2 without the VMID */
	u64 vtcr;  /* VTCR_EL2 */
	u16 vmid;
	u8 bbm; /* FEAT_BBM: 0, 1, 2; core uses no nT, so 1 counts as 0 */
};

/* Forgets everything and watches @vm, whose tables may hold entries already. */
void emu_tlb_begin(const struct emu_tlb_vm *vm);
/* The VM runs on no CPU any more and its VMID is forgotten: nothing is watched. */
void emu_tlb_end(void);

/*
 * The calling actor says that what it did is complete. seam_write_unlock() and
 * seam_read_unlock() call this; so need only operations that hold no lock.
 */
void emu_tlb_op_end(void);
/* The host has taken @bytes at @hpa for something else. */
void emu_tlb_page_gone(struct hpa hpa, u64 bytes);
/* Compares all tables that walkers can reach with what the hooks saw: EMU_TLB_PLAIN. */
void emu_tlb_audit(void);

/*
 * What the set lets a guest do at page @gfn: the union of descriptors' R, W (bits 6 and 7)
 * and whether any entry lets it fetch.
 */
struct emu_tlb_rights {
	bool mapped, read, write, fetch;
};
struct emu_tlb_rights emu_tlb_rights(struct gfn gfn);

/*
 * An access by any CPU: by what the tables say now (emu_mmu_access(), updates of the hardware
 * included) or by another leaf of the set, as @random has it.
 */
struct emu_walk emu_tlb_access(const struct emu_mmu *mmu, u64 ipa, enum emu_access access,
			       u64 random);

/*
 * Complaints since emu_tlb_begin(), and the first of them in words, or NULL. Under the
 * scheduler the first ends the run: emu_sched_run() returns it.
 */
unsigned int emu_tlb_complaints(void);
unsigned int emu_tlb_complaints_of(enum emu_tlb_rule rule);
const char *emu_tlb_complaint(void);
const char *emu_tlb_rule_name(enum emu_tlb_rule rule);
/* Entries that were removed from tables and are still in the set. */
unsigned int emu_tlb_ghosts(void);

/* --- For emu/'s seam alone. --- */

/* The actor's DSB has completed. */
void emu_tlb_dsb(void);
/*
 * A TLBI of @vmid begins, and its DSB completes. @level as in seam_tlbi_range(); @pages 0:
 * all that the VMID has.
 */
void emu_tlb_tlbi_begin(u16 vmid, u64 gfn, u64 pages, int level);
void emu_tlb_tlbi_end(void);
/* What the hardware does to a descriptor: @desc in place of @was. False: it is not @was. */
bool emu_tlb_update(u64 *p, u64 was, u64 desc);
/* Pages [@page, @page + @count) of emu's pool, tables so far, are freed. */
void emu_tlb_freed(unsigned int page, unsigned int count);

#endif
