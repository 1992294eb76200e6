/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The only door out of core: all that it asks of the world around it.
 *
 * Two owners stand behind this header: module/seam_linux.c, on the machine, and
 * emu/, which models the machine in user space. Each brings a seam_os.h, found by
 * the include path, with the basic vocabulary and the types below. Nothing else
 * in core is hidden behind a function pointer or an #ifdef.
 *
 * seam_os.h gives: u8 u16 u32 s8 u64 s64 bool size_t, NULL, -Exxx errno names,
 * memcpy/memset/memmove, BIT, BIT_ULL, GENMASK_ULL, FIELD_GET, FIELD_PREP,
 * static_assert, noinline, READ_ONCE, WRITE_ONCE, smp_rmb (after a READ_ONCE),
 * smp_wmb (before a WRITE_ONCE), smp_store_release, xchg_release and cmpxchg_release (both
 * return what was there), seam_bits_clear(u64 *p, bits) and seam_count(u64 *p, n) (which adds),
 * both atomic and without order,
 * seam_phys_ptr(u64 pa) and seam_ptr_phys(const void *p), for memory that tables are taken from,
 * SEAM_PAGE_SHIFT, and the types
 *	seam_mutex_t	sleeping lock
 *	seam_rwsem_t	sleeping lock, shared or exclusive
 *	seam_rwlock_t	spinning lock, shared or exclusive; made of brlock.h's
 *	struct seam_tlb	identifies one VM's translations (VMID and table base)
 *	struct seam_memo	what the owner keeps between faults of one vCPU
 *
 * It may also define functions of this header itself, static and inline, where a call costs
 * too much: the declarations below go with that.
 */
#ifndef CORE_SEAM_H
#define CORE_SEAM_H

#include "types.h"

struct vm;
struct slot;
struct backing;
struct seam_gmem;

/* --- Locks. The order is docs/locking.md's. --- */
void seam_mutex_init(seam_mutex_t *m);
void seam_mutex_lock(seam_mutex_t *m);
void seam_mutex_unlock(seam_mutex_t *m);
void seam_mutex_assert_held(seam_mutex_t *m);

void seam_rwsem_init(seam_rwsem_t *l);
void seam_rwsem_read_lock(seam_rwsem_t *l);
void seam_rwsem_read_unlock(seam_rwsem_t *l);
void seam_rwsem_write_lock(seam_rwsem_t *l);
void seam_rwsem_write_unlock(seam_rwsem_t *l);

void seam_rwlock_init(seam_rwlock_t *l);
void seam_read_lock(seam_rwlock_t *l);
void seam_read_unlock(seam_rwlock_t *l);
void seam_write_lock(seam_rwlock_t *l);
void seam_write_unlock(seam_rwlock_t *l);
void seam_write_assert_held(seam_rwlock_t *l);

/*
 * Gives others a turn in long work. May sleep: no spinning lock held, no RCU reader.
 */
void seam_relax(void);

/* --- Read-copy-update. Readers may nest and may not sleep. --- */
void seam_rcu_read_lock(void);
void seam_rcu_read_unlock(void);
/* The address dependency orders the reads behind the pointer after its load. */
static inline void *seam_rcu_load(void *const *p)
{
	return READ_ONCE(*p);
}
/* Pairs with the address dependency of seam_rcu_load(). */
static inline void seam_rcu_publish(void **p, void *value)
{
	smp_store_release(p, value);
}
/* Frees @p, of seam_alloc() or NULL, after the readers of now are gone. May sleep. */
void seam_free_rcu(void *p);

/* Whether the memory is to be charged to the VMM is the owner's business; it may sleep. */

/* Zeroed memory of @size bytes, or NULL. May sleep. */
void *seam_alloc(size_t size);
void seam_free(void *p);

/* One zeroed page for a translation table, or NULL. May sleep. */
void *seam_table_alloc(void);
/* May be called under any lock; the caller has made sure that no walker can reach the page. */
void seam_table_free(void *table);

static inline struct hpa seam_table_hpa(const void *table)
{
	return hpa_of(seam_ptr_phys(table));
}

static inline void *seam_table_ptr(struct hpa hpa)
{
	return seam_phys_ptr(hpa.addr);
}

/* Pages of @count, naturally aligned (concatenated start tables); count is a power of two. */
void *seam_table_alloc_contig(unsigned int count);
void seam_table_free_contig(void *tables, unsigned int count);

/* --- Barriers and TLB maintenance (Arm ARM D8.17; all broadcast, Inner Shareable). --- */
void seam_dsb_ishst(void);
/*
 * Invalidates what TLBs hold of @pages pages from @gfn of one VM, leaf entries of
 * @level only (-1: any level, and what walks cached), stage-1 combined entries included.
 * The caller's seam_dsb_ishst() has made visible what changed in the tables; ends with the
 * DSB and ISB that make it complete. Callable under a spinning lock.
 */
void seam_tlbi_range(struct seam_tlb *tlb, struct gfn gfn, u64 pages, int level);
/* The same for all that TLBs hold of the VM. */
void seam_tlbi_vmid(struct seam_tlb *tlb);

/* --- Caches and tags of host memory. Sizes in bytes, page multiples. --- */
void seam_dcache_clean_inval_poc(struct hpa hpa, u64 size);
/* The data caches are clean of it, or need not be (CTR_EL0.IDC). */
void seam_icache_inval_pou(struct hpa hpa, u64 size);

/*
 * Windows. What the kernel does not map is cleaned through a mapping of its own, if there is
 * one; without, seam_dcache_clean_inval_poc() passes it by. Each page of a window counts its
 * users; a window without any is closed, at once or soon. What the kernel maps needs none, and
 * these do nothing about it.
 */

/* There is a window over each page, with the caller as one more user. Sleeps. -ENOMEM. */
int seam_window_open(struct hpa hpa, u64 size);
/* One more user of pages that have one. */
void seam_window_share(struct hpa hpa, u64 size);
/* One less. Callable under a spinning lock, as is the one above. */
void seam_window_close(struct hpa hpa, u64 size);

/*
 * Makes the tags of @pages pages at @hpa fit for a guest: those whose host page
 * flag says that they carry live tags are left alone, others are zeroed and flagged
 * (Linux: try_page_mte_tagging()). Pages that cannot hold tags never come here.
 */
void seam_tags_sanitise(struct hpa hpa, u64 pages);

/*
 * --- The VMM's own memory, @size bytes at @user. --- Sleep. -EFAULT: not all of it is there, or
 * may be written; part of it may have been.
 */
int seam_user_write(u64 user, const void *from, size_t size);
int seam_user_read(void *to, u64 user, size_t size);

/* --- The memory behind a slot. --- */

/* What the host has at an address of the VMM; the facts that policy looks at. */
enum backing_kind {
	BACKING_NONE,	      /* nothing there (no VMA, or it refuses the access) */
	BACKING_RAM,	      /* kernel-mapped memory, mapped write-back by the VMA */
	BACKING_RAM_UNCACHED, /* kernel-mapped memory, mapped otherwise by the VMA */
	BACKING_PFN_CACHED,   /* not kernel-mapped, VMA maps it write-back */
	BACKING_PFN_NC,	      /* not kernel-mapped, VMA non-cacheable, VM_ALLOW_ANY_UNCACHED */
	BACKING_PFN_DEVICE,   /* not kernel-mapped, VMA non-cacheable otherwise */
	BACKING_POISON,	      /* hardware-poisoned page */
};

struct backing {
	enum backing_kind kind;
	struct hpa hpa; /* of the page asked for; kinds other than NONE and POISON */
	u8 order;	/* log2 of the pages that the host maps as one naturally aligned piece
			     * around it; hva and hpa are congruent in it */
	bool writable;	/* the host's mapping allows writing now */
	bool can_tag;	/* the VMA allows tags (VM_MTE_ALLOWED) */
	/*
	 * With lazy tags alone. The page is the VMM's own, no file's: it holds tags whatever its
	 * VMA allows, and whoever else gives it tags comes by the MMU notifier.
	 */
	bool own;
	bool blank;	  /* the zero page: its tags are zero, and nobody can store any */
	bool tagged;	  /* it has live tags, by the host's page flag; so has the zero page */
	u32 tagged_count; /* so many of the pages of the piece have */
	void *ref;	  /* the owner's reference, dropped by seam_backing_put() */
};

/* What the page is wanted for. */
enum backing_use {
	USE_READ,  /* though it may come out writable when that costs nothing */
	USE_WRITE, /* breaks copy-on-write */
	USE_TAGS,  /* READ; but a private, writable mapping of a file gets a page of its own */
};

/*
 * Finds, and faults in when need be, the page behind @gfn of @slot (a copy). What it learned that
 * may serve for the next one is in @memo, which is the caller's alone; zeroes are an empty one.
 * Sleeps; call with no spinning lock held and outside RCU readers.
 * Returns 0 (look at @out->kind) or -EINTR (a signal is pending), -EAGAIN (try again),
 * -ENOMEM.
 */
int seam_backing_get(struct vm *vm, const struct slot *slot, struct gfn gfn, enum backing_use use,
		     struct seam_memo *memo, struct backing *out);
/* Ends the use of @b; @dirtied: it was mapped for writing. */
void seam_backing_put(struct vm *vm, struct backing *b, bool dirtied);

/*
 * --- Memory that is a file's, a guest_memfd's, and at no address of the VMM. ---
 *
 * Pages of it are bound to guest pages, each to one at most; that keeps struct seam_gmem, if not
 * the memory: closing the file frees that. Called with vm->gmem_lock, exclusive but for get.
 */

/*
 * The file's pages from @page on are bound to @gfns.
 * Errors: -EEXIST (some are bound already), -ENOMEM; nothing has changed then.
 */
int seam_gmem_bind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns);
/* And no more; the last one may free @gmem. Sleeps. */
void seam_gmem_unbind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns);
/*
 * Contents and tags of @count pages from @page on are gone, and are zero when they are next got;
 * the host's mappings of them, too. No guest has them mapped. Sleeps.
 */
void seam_gmem_drop(struct seam_gmem *gmem, u64 page, u64 count);
/*
 * Finds, and makes when need be, the file's page @page, with up to 2^@order around it in one
 * piece. As seam_backing_get() otherwise.
 */
int seam_gmem_get(struct seam_gmem *gmem, u64 page, u8 order, struct backing *out);

/*
 * Looks at every VMA under [@hva, @hva + @size) and calls nothing back: the union of what
 * is there comes out as a set of BIT(enum backing_kind) in @kinds, and in @untaggable the set
 * of those kinds of which some part cannot hold tags (VMA without VM_MTE_ALLOWED). A hole in
 * the VMAs sets BIT(BACKING_NONE) in @kinds. @remapped: part of it is VM_PFNMAP or VM_IO.
 * Takes the mmap lock for reading.
 * Errors: -ENOMEM, -EINTR.
 */
struct backing_survey {
	u32 kinds;
	u32 untaggable;
	bool remapped;
};
int seam_backing_survey(struct vm *vm, struct hva hva, u64 size, struct backing_survey *out);

#endif
