// SPDX-License-Identifier: GPL-2.0-only
/* The pages of guest_memfds; their files are gmem_file.c's. */
#include <linux/highmem.h>
#include <linux/interval_tree.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "compat.h"
#include "gmem_room.h"
#include "tags.h"

/* Pages of a file that a slot has. */
struct bound {
	struct interval_tree_node pages; /* of the file */
	u64 gfn;			 /* of the first */
};

/* [bound_lock] The first that has some of the pages from @at to @last. */
static struct bound *bound_first(struct seam_gmem *gmem, u64 at, u64 last)
{
	struct interval_tree_node *pages = interval_tree_iter_first(&gmem->bound, at, last);

	return pages ? container_of(pages, struct bound, pages) : NULL;
}

bool tsr_gmem_bound_next(struct seam_gmem *gmem, u64 *at, u64 end, struct gfn_range *gfns)
{
	struct bound *bound;

	if (*at >= end)
		return false;
	spin_lock(&gmem->bound_lock);
	bound = bound_first(gmem, *at, end - 1);
	if (bound) {
		u64 first = max_t(u64, bound->pages.start, *at);

		*at = min_t(u64, bound->pages.last, end - 1) + 1;
		gfns->begin = bound->gfn + (first - bound->pages.start);
		gfns->end = gfns->begin + (*at - first);
	}
	spin_unlock(&gmem->bound_lock);
	return bound;
}

void tsr_gmem_put(struct seam_gmem *gmem)
{
	if (!refcount_dec_and_test(&gmem->ref))
		return;
	kfree(gmem);
}

/* --- Pages. --- */

static struct folio *folio_make(struct inode *inode, u64 page, unsigned int order)
{
	fgf_t fgf = FGP_LOCK | FGP_CREAT | fgf_set_order(PAGE_SIZE << order);

	return __filemap_get_folio(inode->i_mapping, page, fgf, mapping_gfp_mask(inode->i_mapping));
}

/* Large ones are made at their first page alone. */
struct folio *tsr_gmem_folio(struct inode *inode, u64 page, unsigned int order)
{
	struct folio *folio = filemap_lock_folio(inode->i_mapping, page);

	if (!IS_ERR(folio))
		return folio;
	if (order) {
		folio = folio_make(inode, round_down(page, 1UL << order), order);
		if (IS_ERR(folio) || page < folio_next_index(folio))
			return folio;
		tsr_gmem_folio_put(folio);
	}
	return folio_make(inode, page, 0);
}

void tsr_gmem_folio_begin(struct folio *folio)
{
	unsigned long i;

	if (folio_test_uptodate(folio))
		return;
	for (i = 0; i < folio_nr_pages(folio); i++) {
		clear_highpage(folio_page(folio, i));
		cond_resched();
	}
	folio_mark_uptodate(folio);
	/* There is nothing to write it back to; but clean pages are taken out (soft offlining). */
	folio_mark_dirty(folio);
}

/* Pages [@first, @end) of the folio, which is locked or nobody else's, have nothing in them. */
static void folio_scrub(struct folio *folio, unsigned long first, unsigned long end)
{
	unsigned long i;

	if (!folio_test_uptodate(folio))
		return;
	for (i = first; i < end; i++) {
		struct page *page = folio_page(folio, i);

		/* What is broken is not touched. */
		if (!PageHWPoison(page)) {
			clear_highpage(page);
			tsr_page_tags_clear(page);
		}
		cond_resched();
	}
}

/*
 * The file gives it up: the next owner finds nothing, not in memory that the kernel has free
 * either. What a device still has pinned was the host's to see.
 */
static void gmem_free_folio(struct folio *folio)
{
	if (!folio_maybe_dma_pinned(folio))
		folio_scrub(folio, 0, folio_nr_pages(folio));
}

/*
 * Of a large folio, of which some is to stay, the kernel takes none away where it cannot split it
 * because somebody holds it: a fault that has lost its race. Its memory stays, empty.
 */
static void gmem_scrub_left(struct address_space *mapping, u64 page, u64 end)
{
	struct folio_batch batch;
	pgoff_t at = page;
	unsigned int i;

	folio_batch_init(&batch);
	while (filemap_get_folios(mapping, &at, end - 1, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++) {
			struct folio *folio = batch.folios[i];
			u64 first = folio->index;

			folio_lock(folio);
			folio_scrub(folio, max(first, page) - first,
				    min(first + folio_nr_pages(folio), end) - first);
			folio_unlock(folio);
		}
		folio_batch_release(&batch);
	}
}

void tsr_gmem_truncate(struct inode *inode, u64 page, u64 count)
{
	struct address_space *mapping = inode->i_mapping;
	loff_t first = (loff_t)page << PAGE_SHIFT;

	if (!count || mapping_empty(mapping))
		return;
	unmap_mapping_pages(mapping, page, count, false);
	truncate_inode_pages_range(mapping, first, first + ((loff_t)count << PAGE_SHIFT) - 1);
	if (mapping_large_folio_support(mapping))
		gmem_scrub_left(mapping, page, page + count);
}

/*
 * The memory is broken: no guest keeps it mapped, who touches it is told. Its folio's lock is
 * held, inside of which gmem_lock is not taken; what a slot is bound to by then matters little.
 */
static int gmem_error_folio(struct address_space *mapping, struct folio *folio)
{
	struct seam_gmem *gmem = mapping->host->i_private;
	u64 at = folio->index, end = at + folio_nr_pages(folio);
	struct gfn_range gfns;

	while (tsr_gmem_bound_next(gmem, &at, end, &gfns)) {
		vm_gmem_invalidate_begin(&gmem->vm->mem, gfns);
		vm_gmem_invalidate_end(&gmem->vm->mem);
	}
	return MF_DELAYED;
}

/* None to migrate by: mappings that are inaccessible are left alone. */
const struct address_space_operations tsr_gmem_aops = {
	.dirty_folio = noop_dirty_folio,
	.error_remove_folio = gmem_error_folio,
	.free_folio = gmem_free_folio,
};

/* --- For core: the pages of a slot. --- */

int seam_gmem_bind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	u64 end = page + gfn_range_count(gfns), at = page;
	struct gfn_range other;
	struct bound *bound;

	if (tsr_gmem_bound_next(gmem, &at, end, &other))
		return -EEXIST;
	bound = kzalloc(sizeof(*bound), GFP_KERNEL_ACCOUNT);
	if (!bound)
		return -ENOMEM;
	bound->pages.start = page;
	bound->pages.last = end - 1;
	bound->gfn = gfns.begin;
	refcount_inc(&gmem->ref);
	spin_lock(&gmem->bound_lock);
	interval_tree_insert(&bound->pages, &gmem->bound);
	spin_unlock(&gmem->bound_lock);
	return 0;
}

void seam_gmem_unbind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	struct bound *bound;

	spin_lock(&gmem->bound_lock);
	bound = bound_first(gmem, page, page);
	interval_tree_remove(&bound->pages, &gmem->bound);
	spin_unlock(&gmem->bound_lock);
	kfree(bound);
	tsr_gmem_put(gmem);
}

void seam_gmem_drop(struct seam_gmem *gmem, u64 page, u64 count)
{
	if (gmem->inode)
		tsr_gmem_truncate(gmem->inode, page, count);
}

static void backing_fill(const struct seam_gmem *gmem, struct folio *folio, u64 index,
			 struct backing *out)
{
	struct page *page = folio_file_page(folio, index);
	const struct vm *vm = &gmem->vm->mem;

	out->hpa = hpa_of(page_to_phys(page));
	if (!(out->hpa.addr >> tsr_host.pa_bits))
		out->kind = BACKING_RAM;
	out->order = folio_order(folio);
	/* A page of it is broken, and it could not be split. */
	if (out->order && folio_test_has_hwpoisoned(folio))
		out->order = 0;
	out->writable = true;
	out->can_tag = true;
	out->ref = page;
	if (!READ_ONCE(vm->mte) || !READ_ONCE(vm->lazy_tags))
		return;
	/* Nobody maps it with PROT_MTE, and nothing moves it. */
	out->own = true;
	tsr_page_tag_facts(page, out->order, out);
}

int seam_gmem_get(struct seam_gmem *gmem, u64 page, u8 order, struct backing *out)
{
	struct folio *folio;

	*out = (struct backing){ .kind = BACKING_NONE };
	if (!gmem->inode)
		return 0;
	folio = tsr_gmem_folio(gmem->inode, page, order);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	if (PageHWPoison(folio_file_page(folio, page))) {
		out->kind = BACKING_POISON;
		tsr_gmem_folio_put(folio);
		return 0;
	}
	tsr_gmem_folio_begin(folio);
	backing_fill(gmem, folio, page, out);
	folio_unlock(folio);
	return 0;
}

/* --- For others in the module. --- */

bool tsr_gmem_page_can_be_seen(struct seam_gmem *gmem, u64 page)
{
	struct gfn_range gfns;
	u64 at = page;

	if (!tsr_gmem_can_be_seen(gmem))
		return false;
	return !tsr_gmem_bound_next(gmem, &at, page + 1, &gfns) ||
	       !vm_gfn_private(&gmem->vm->mem, gfn_of(gfns.begin));
}

static int page_find(struct tsr_vm *vm, struct gfn gfn, unsigned int want, struct page **page)
{
	unsigned int count = 1;
	struct folio *folio;
	struct slot slot;
	u64 index;

	if (vm_source_at(&vm->mem, gfn, &count, &slot) != VM_GMEM || !slot.gmem->inode)
		return -EFAULT;
	index = slot_gfn_gmem(&slot, gfn);
	if ((want & TSR_GMEM_SEEN) && !tsr_gmem_page_can_be_seen(slot.gmem, index))
		return -EFAULT;
	folio = want & TSR_GMEM_MAKE ? tsr_gmem_folio(slot.gmem->inode, index, 0)
				     : filemap_lock_folio(slot.gmem->inode->i_mapping, index);
	*page = NULL;
	if (IS_ERR(folio))
		return PTR_ERR(folio) == -ENOENT ? 0 : PTR_ERR(folio);
	if (PageHWPoison(folio_file_page(folio, index))) {
		tsr_gmem_folio_put(folio);
		return -EHWPOISON;
	}
	tsr_gmem_folio_begin(folio);
	folio_unlock(folio);
	*page = folio_file_page(folio, index);
	return 0;
}

int tsr_gmem_page(struct tsr_vm *vm, struct gfn gfn, unsigned int want, struct page **page)
{
	int err;

	down_read(&vm->mem.gmem_lock);
	err = page_find(vm, gfn, want, page);
	up_read(&vm->mem.gmem_lock);
	return err;
}

int tsr_gmem_read(struct tsr_vm *vm, struct gpa gpa, u64 *word)
{
	struct page *page;
	int err = tsr_gmem_page(vm, gpa_gfn(gpa), 0, &page);

	if (err || !page)
		return err ? err : -EFAULT;
	*word = *(u64 *)(page_address(page) + (gpa.addr & ~PAGE_MASK & ~7ULL));
	put_page(page);
	return 0;
}
