/* SPDX-License-Identifier: GPL-2.0-only */
/* What gmem.c and gmem_file.c share; for them alone. */
#ifndef MODULE_GMEM_ROOM_H
#define MODULE_GMEM_ROOM_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "gmem.h"

struct seam_gmem {
	refcount_t ref;
	struct tsr_vm *vm; /* constant; the file holds it, and slots are its own */
	u64 flags;	   /* constant; GUEST_MEMFD_FLAG_* */
	u64 size;	   /* constant; bytes */
	/* NULL when the file is closed; [vm->mem.gmem_lock] */
	struct inode *inode;
	/* What slots have of it; [gmem_lock and bound_lock to change, either to read] */
	struct rb_root_cached bound;
	spinlock_t bound_lock;
};

/* Does the VMM see what is not private? */
static inline bool tsr_gmem_can_be_seen(const struct seam_gmem *gmem)
{
	return (gmem->flags & TSR_GMEM_FLAGS) == TSR_GMEM_FLAGS;
}

/* One reference less; the last one frees it. */
void tsr_gmem_put(struct seam_gmem *gmem);

/*
 * The folio of @page, locked, with a reference; a new one of 2^@order pages, if the host has such,
 * or of one. New ones are not up to date. gmem_lock, either way. An ERR_PTR: -ENOMEM, -EAGAIN.
 */
struct folio *tsr_gmem_folio(struct inode *inode, u64 page, unsigned int order);
/* Gives back the lock and the reference. */
static inline void tsr_gmem_folio_put(struct folio *folio)
{
	folio_unlock(folio);
	folio_put(folio);
}

/* At its first use it is zero. Its lock is held. */
void tsr_gmem_folio_begin(struct folio *folio);
/* @count pages from @page on are gone, from the host's mappings too. gmem_lock, exclusive. */
void tsr_gmem_truncate(struct inode *inode, u64 page, u64 count);

/* Pages of the file from *@at on, before @end, that are bound in one piece; *@at is behind them. */
bool tsr_gmem_bound_next(struct seam_gmem *gmem, u64 *at, u64 end, struct gfn_range *gfns);
/* May the host see the page now? gmem_lock, either way. */
bool tsr_gmem_page_can_be_seen(struct seam_gmem *gmem, u64 page);

extern const struct address_space_operations tsr_gmem_aops;

#endif
