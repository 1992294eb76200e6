/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The front door of the guest's memory: it owns the rooms (slots, attributes,
 * stage-2 tables), the lock order and the invalidate sequence, and it applies the
 * outcomes that fault.c decides. The owner of the seam calls these functions and
 * no other room.
 *
 * The invalidate sequence. Whatever changes slots, attributes or the host's mappings
 * brackets the change by invalidate begin and end; a fault reads the sequence before
 * it looks anything up, and installs its mapping under the stage-2 lock only if no
 * overlapping change is open and none has ended since. Else it starts again.
 */
#ifndef CORE_VM_H
#define CORE_VM_H

#include "seam.h"
#include "host.h"
#include "access.h"
#include "slot.h"
#include "attr.h"
#include "s2/s2.h"

enum vm_outcome {
	VM_RESUME,	 /* run the guest again */
	VM_EXIT_FAULT,	 /* KVM_EXIT_MEMORY_FAULT: see flags, gpa, size, error */
	VM_EXIT_MMIO,	 /* a data access to no slot, or a write to a READONLY slot */
	VM_INJECT_ABORT, /* an external abort for the guest (fetch or walk where there is none) */
	VM_SKIP,	 /* cache maintenance where there is no memory: step over it */
	VM_ERROR,	 /* KVM_RUN fails with error: -EINTR, -ENOMEM */
};

/* A page that a vCPU may have written and that its dirty ring is to tell of. */
struct vm_dirty_page {
	bool valid; /* there is one; only in a VM with rings */
	u32 slot;   /* its number */
	u64 page;   /* in the slot */
};

struct vm_fault_result {
	enum vm_outcome outcome;
	u64 flags;		    /* KVM_MEMORY_EXIT_FLAG_*: READ, WRITE, EXEC, TAG, PRIVATE */
	u64 gpa;		    /* page aligned */
	u64 size;		    /* the page size */
	int error;		    /* VM_EXIT_FAULT: -EFAULT or -EHWPOISON; VM_ERROR: the error */
	struct vm_dirty_page dirty; /* whatever the outcome */
};

/* Counters; seam_count() adds, readers take no lock. More are in s2.stats. */
struct vm_stats {
	u64 faults;	   /* stage-2 aborts handled */
	u64 exits_fault;   /* of those: KVM_EXIT_MEMORY_FAULT without TAG */
	u64 exits_tag;	   /* of those: KVM_EXIT_MEMORY_FAULT with TAG */
	u64 pages_mapped;  /* leaf pages installed */
	u64 blocks_mapped; /* blocks installed */
	u64 cleans;	   /* vm_clean() had something to do */
};

struct vm {
	const struct host *host; /* constant */
	u8 ipa_bits;		 /* constant after vm_init() */
	bool mte;		 /* [lock to change] KVM_CAP_ARM_MTE is enabled */
	bool cmo;		 /* [lock to change] KVM_CAP_TSR_PFNMAP_CMO is enabled */
	bool lazy_tags;		 /* [lock to change] KVM_CAP_TSR_LAZY_TAGS is; fixed once started */
	bool started;		 /* [lock] a vCPU exists: what is opt-in is closed */

	seam_mutex_t lock;   /* slots, attributes, the fields above */
	struct slots *slots; /* [lock to change, RCU to read] */
	struct attr attr;    /* [lock to change, RCU to read] */
	struct s2_cache cut; /* [lock] tables for blocks that a change cuts */
	u8 dirty_manual;     /* [lock] ABI_DIRTY_*: how dirty logs are cleared, and begin */
	bool dirty_ring;     /* [lock] vCPUs have rings; constant once one exists */
	bool dirty_bitmap;   /* [lock] and slots have bitmaps beside them */
	bool has_private;    /* [lock] some page is private, or has been */

	/*
	 * Exclusive: what binds pages of guest_memfds to guest pages, makes those private or
	 * shared, or empties the files. Shared: who gets a page of one, by a fault or for the VMM.
	 */
	seam_rwsem_t gmem_lock;

	seam_rwlock_t s2_lock; /* shared: faults; exclusive: all else */
	struct s2 s2;	       /* [s2_lock] */
	bool tags_shared;      /* [s2_lock] see vm_tags_share() */
	bool tags_forgotten;   /* [s2_lock] and no leaf has S2_DESC_UNTAGGED any more */

	/* The invalidate sequence: [s2_lock exclusive to change]. */
	u64 inval_seq;
	u64 inval_open;		      /* changes that have begun and not ended */
	struct gfn_range inval_range; /* covers every open one */
	struct slot_cursor hva_guess; /* where the host changed something last */

	struct vm_stats stats;
};

/*
 * @ipa_bits: 32..host->ipa_bits. @tlb: filled by the owner with the VM's VMID.
 * Errors: -EINVAL (size), -ENOMEM; nothing is held then.
 */
int vm_init(struct vm *vm, const struct host *host, unsigned int ipa_bits, struct seam_tlb *tlb);
/* No vCPU runs and no notifier can come any more. */
void vm_destroy(struct vm *vm);

/*
 * VTTBR_EL2 without the VMID; and VTCR_EL2 without VS: T0SZ, SL0, IRGN0, ORGN0, SH0, TG0 and
 * PS (of host->pa_bits) are there, HA where the host has it; hardware update of dirty state
 * is off.
 */
u64 vm_vttbr_baddr(const struct vm *vm);
u64 vm_vtcr(const struct vm *vm);

/* --- Set-up. Each takes vm->lock. --- */

/* KVM_CAP_ARM_MTE. -EINVAL: a vCPU exists, the host has no MTE, or a slot does not fit. */
int vm_enable_mte(struct vm *vm);
/*
 * KVM_CAP_TSR_PFNMAP_CMO: memory that the kernel does not map and the VMM's mapping has as
 * write-back is served on every host. -EINVAL: a vCPU exists.
 */
int vm_enable_cmo(struct vm *vm);
/*
 * KVM_CAP_TSR_LAZY_TAGS, before MTE is enabled or after; it takes effect with MTE. -EINVAL: a
 * vCPU exists, or the host has no MTE.
 */
int vm_enable_lazy_tags(struct vm *vm);
/* From the first vCPU on nothing that is opt-in can be enabled. */
void vm_start(struct vm *vm);

/*
 * KVM_SET_USER_MEMORY_REGION2 without guest_memfd; api.rst 4.35. size 0 deletes. The owner
 * has checked that hva and size lie in the address space of the VMM.
 * Errors: those of slot_plan(); -EINVAL too when the memory behind the slot cannot be
 * served there (docs/abi.md, "Slots in a VM with MTE", "Memory types"). Nothing changed then.
 */
int vm_slot_set(struct vm *vm, const struct slot_request *req);
/*
 * The same, with a guest_memfd where the flags say so; api.rst 4.140. The owner has checked that
 * the slot lies in the file, which is this VM's.
 * Errors: -EEXIST too, when another slot has some of the file's pages.
 */
int vm_slot_set_file(struct vm *vm, const struct slot_request *req, const struct slot_file *file);

/*
 * KVM_SET_MEMORY_ATTRIBUTES on pages [range). All or nothing.
 * From its return on no vCPU uses a permission that the attributes deny. Pages of a guest_memfd
 * that become private or shared are empty then (docs/abi.md, "Private memory").
 * Errors: -EINVAL (bits not in vm_attr_mask(), range beyond the IPA size), -ENOMEM.
 */
int vm_attr_set(struct vm *vm, struct gfn_range range, enum attr_op op, u64 bits);
/* The attribute bits that this VM supports on this host (KVM_CAP_MEMORY_ATTRIBUTES). */
u64 vm_attr_mask(const struct vm *vm);

/* --- Dirty logs, of slots with LOG_DIRTY_PAGES. Each takes vm->lock. --- */

/*
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, api.rst 7.18. @bits: 0, ABI_DIRTY_MANUAL, or that and
 * ABI_DIRTY_SET. -EINVAL: any other.
 */
int vm_dirty_manual(struct vm *vm, u64 bits);
/*
 * KVM_GET_DIRTY_LOG, api.rst 4.8: the log of slot @id, in words of 64 pages, to @user. Unless
 * they are cleared by hand the pages are clean from then on.
 * Errors: -ENXIO (the VM has rings and no bitmaps), -EINVAL (@id), -ENOENT (no such slot, or no
 * log), -EFAULT; the log is what it was.
 */
int vm_dirty_get(struct vm *vm, u32 id, u64 user);
/*
 * KVM_CLEAR_DIRTY_LOG, api.rst 4.117: of @count pages from @first on, those that are set in
 * the words at @user are clean from then on.
 * Errors: as above, and -EINVAL (@first or @count not of 64, beyond the slot's end; the last
 * pages of the slot may be fewer). The log is what it was.
 */
int vm_dirty_clear(struct vm *vm, u32 id, u64 first, u64 count, u64 user);

/*
 * From now on dirty pages go to the rings of vCPUs, and slots have no bitmaps: api.rst 7.36.
 * -EINVAL: a vCPU exists, or it is so already.
 */
int vm_dirty_enable_ring(struct vm *vm);
/* And yet they have, for what no vCPU writes. -EINVAL: there are no rings, or there are slots. */
int vm_dirty_enable_bitmap(struct vm *vm);
/* Pages [@first, @first + @count) of slot @id, if there are such, are clean from now on. */
void vm_dirty_reset(struct vm *vm, u32 id, u64 first, u64 count);
/*
 * The owner has written the page of @gpa for a vCPU, which may be logged: to a bitmap here, to
 * a ring by @dirty. Takes no vm->lock, but s2_lock shared.
 */
void vm_dirty_written(struct vm *vm, struct gpa gpa, struct vm_dirty_page *dirty);
/*
 * The owner has written @gfn for nobody among the vCPUs; to be called after the write. A page that
 * is logged is marked in its bitmap, whether there are rings or not. Takes no vm->lock, but
 * s2_lock shared. -EBUSY: it is logged to rings alone.
 */
int vm_dirty_outside(struct vm *vm, struct gfn gfn);

/* --- Queries. --- */

/* Pages in a row that are alike in all that is told of them here. */
struct vm_extent {
	struct gfn_range gfns;
	u32 slot;	/* its number */
	u64 attributes; /* ABI_ATTR_* */
	bool mapped;	/* stage 2 has leaves for them; the rest is about those */
	bool young;	/* their access flags are set */
	perm_t perm;	/* what they grant; T in a VM with MTE alone */
	u8 order;	/* log2 of the pages of each */
};

/*
 * Fills @out with up to @max extents of the pages of @range that lie in slots, by page, and
 * takes what it has dealt with off the front of @range; at least a page. It does a bounded
 * piece of work and may return less than @max, or extents that could be joined with those of
 * the call before. Slots and attributes are those of one moment; what is mapped may change
 * meanwhile. Takes vm->lock, and s2_lock shared, for a while each time.
 * Returns how many extents.
 */
unsigned int vm_query(struct vm *vm, struct gfn_range *range, struct vm_extent *out,
		      unsigned int max);

/* --- Tags. --- */

/*
 * What is known of the tags of @count pages, 1 to 64, from @first on, without asking the host.
 * A page that is known and not tagged has no tags: all read as zero. One that is known and
 * tagged has been opened for the guest, and the host's page flag is set; they may be zero all
 * the same. Of the others (not mapped, shared with others) the host's flag alone tells.
 * It is the state of one moment: with lazy tags a vCPU may open a page at any time. Takes
 * s2_lock shared.
 */
struct s2_tags vm_tags_look(struct vm *vm, struct gfn first, unsigned int count);

/*
 * The owner has given pages of @range, not empty, tags on behalf of the VMM: has taken the host's
 * flag, stored them and set it. From the return on vm_tags_look() says nothing else. Takes
 * s2_lock; sleeps.
 */
void vm_tags_written(struct vm *vm, struct gfn_range range);

/*
 * From now on some of the VMM's memory is behind more pages of guests than one, so that nothing
 * is known of a page that has not been opened here. Takes s2_lock; sleeps.
 */
void vm_tags_share(struct vm *vm);

/* --- Running. --- */

/*
 * Handles one stage-2 abort of a vCPU. @cache is the vCPU's own and is topped up here.
 * Sleeps. Takes the RCU reader and s2_lock, never vm->lock.
 */
void vm_fault(struct vm *vm, struct s2_cache *cache, const struct access *access,
	      struct vm_fault_result *result);

/* Does any slot stand over some of [@begin, @end) of the VMM's addresses, in bytes? */
bool vm_hva_used(struct vm *vm, u64 begin, u64 end);

/*
 * Where @gpa is in the VMM, if it is inside a slot, and one that is not READONLY if @write: for
 * what the owner reads and writes on behalf of a guest, which attributes do not bind. A page of a
 * guest_memfd is nowhere.
 */
bool vm_gpa_hva(struct vm *vm, struct gpa gpa, bool write, struct hva *hva);
/* What stands behind a page, as the owner finds it. */
enum vm_source {
	VM_NOWHERE, /* there is no slot, or the page is private in one without a file */
	VM_ADDRESS, /* an address of the VMM */
	VM_GMEM,    /* a page of the slot's guest_memfd */
};
/*
 * Where @gfn comes from, and as many of the *@count pages from there on as are alike, to which
 * that is lowered; at least 1. But for NOWHERE @slot is a copy of the slot that holds them,
 * whose log is not to be followed, and whose file alone with vm->gmem_lock, taken before.
 */
enum vm_source vm_source_at(struct vm *vm, struct gfn gfn, unsigned int *count, struct slot *slot);

/* --- The owner's guest_memfds. --- */

/*
 * The file is to lose the pages that are bound to @gfns, not empty: from here to the end no guest
 * has them mapped. vm->gmem_lock is held exclusive, or nothing is lost but what is mapped. Begin
 * sleeps; the ends are as many as the begins.
 */
void vm_gmem_invalidate_begin(struct vm *vm, struct gfn_range gfns);
void vm_gmem_invalidate_end(struct vm *vm);
/*
 * Is @gfn private? It stays so or not while vm->gmem_lock is held either way; else that is of
 * one moment.
 */
bool vm_gfn_private(struct vm *vm, struct gfn gfn);

/* --- The host's MMU notifier: [begin, end) of the VMM's addresses, in bytes. --- */
void vm_hva_invalidate_begin(struct vm *vm, u64 begin, u64 end);
/* The same, with turns for others in long work on one slot: the caller may sleep. */
void vm_hva_invalidate_begin_turns(struct vm *vm, u64 begin, u64 end);
void vm_hva_invalidate_end(struct vm *vm, u64 begin, u64 end);
/* Access flag harvesting: clears (or only tests) it; true if any page was young. */
bool vm_hva_age(struct vm *vm, u64 begin, u64 end, bool clear);
/*
 * Every mapping is dropped, and its caches maintained where that is to be done: the address
 * space is going away, or what is there is to come back by faults. Sleeps.
 */
void vm_release(struct vm *vm);

/* --- Caches. --- */

/*
 * What the guest reads with its caches off is what it and the VMM have written with theirs on,
 * and the other way round, as far as it is mapped now: api.rst says nothing, KVM does it when
 * a guest maintains caches by set and way or turns them on or off. Nothing is to be done with
 * FEAT_S2FWB. Takes s2_lock, piece by piece. Sleeps.
 */
void vm_clean(struct vm *vm);

#endif
