// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory behind a slot, one page at a time: what the VMM's address space has
 * at an address (core/seam.h, struct backing), found by get_user_pages() or, where
 * the mapping has no pages, by the page tables themselves (VM_PFNMAP, VM_IO, and the
 * special entries of VM_MIXEDMAP). Nothing is inferred from one entry about another: such
 * mappings need not be in one piece, nor all alike.
 *
 * What is found may change at once. It is core's invalidate sequence that makes it
 * safe to use: it is read before any of this, and each change of a VMA or of a page
 * table comes by the MMU notifier and moves it on.
 */
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>

#include "compat.h"
#include "hostleaf.h"
#include "tessera.h"

static bool prot_is_write_back(pgprot_t prot)
{
	u64 index = FIELD_GET(PTE_ATTRINDX_MASK, pgprot_val(prot));

	return index == MT_NORMAL || index == MT_NORMAL_TAGGED;
}

static struct vma_facts vma_facts_of(const struct vm_area_struct *vma)
{
	return (struct vma_facts){
		.readable = (vma->vm_flags & VM_READ) != 0,
		.write_back = prot_is_write_back(vma->vm_page_prot),
		.any_uncached = (vma->vm_flags & VM_ALLOW_ANY_UNCACHED) != 0,
		.can_tag = (vma->vm_flags & VM_MTE_ALLOWED) != 0,
		.anon = !vma->vm_ops,
		.cow = (vma->vm_flags & (VM_SHARED | VM_WRITE)) == VM_WRITE,
		.remapped = (vma->vm_flags & (VM_IO | VM_PFNMAP)) != 0,
		.mixed = (vma->vm_flags & VM_MIXEDMAP) != 0,
	};
}

static enum backing_kind facts_kind(const struct vma_facts *facts, bool kernel_mapped)
{
	if (kernel_mapped)
		return facts->write_back ? BACKING_RAM : BACKING_RAM_UNCACHED;
	if (facts->write_back)
		return BACKING_PFN_CACHED;
	return facts->any_uncached ? BACKING_PFN_NC : BACKING_PFN_DEVICE;
}

/*
 * Has nobody had the mmap lock for writing since the memo was made? Then its VMA is as it was,
 * as if the lock were taken now, and given back.
 */
static bool memo_holds(const struct seam_memo *memo, struct mm_struct *mm, unsigned long hva)
{
	unsigned int seq;

	return hva >= memo->begin && hva < memo->end && tsr_mmap_sequence(mm, &seq) &&
	       seq == memo->seq;
}

/* With the mmap lock, so that the sequence is that of @vma. */
static void memo_make(struct seam_memo *memo, struct mm_struct *mm,
		      const struct vm_area_struct *vma)
{
	memo->facts = vma_facts_of(vma);
	memo->begin = vma->vm_start;
	memo->end = tsr_mmap_sequence(mm, &memo->seq) ? vma->vm_end : 0;
}

static int facts_read(struct seam_memo *memo, struct mm_struct *mm, unsigned long hva)
{
	struct vm_area_struct *vma;

	if (memo_holds(memo, mm, hva))
		return 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, hva);
	if (vma)
		memo_make(memo, mm, vma);
	else
		*memo = (struct seam_memo){ .end = 0 };
	mmap_read_unlock(mm);
	return 0;
}

static void backing_fill(struct backing *out, const struct vma_facts *facts, unsigned long pfn)
{
	out->hpa = hpa_of(PFN_PHYS(pfn));
	/* With 52-bit addresses the host may have what stage 2 cannot name. */
	if (!(out->hpa.addr >> tsr_host.pa_bits))
		out->kind = facts_kind(facts, pfn_is_map_memory(pfn));
	out->can_tag = facts->can_tag;
}

/*
 * A whole leaf of remapped memory, of which @out is a page: of one kind if the kernel maps all
 * of it, or none.
 */
static void backing_widen(struct backing *out, const struct host_leaf *leaf)
{
	unsigned long pfn = PHYS_PFN(out->hpa.addr), count = 1UL << leaf->order;
	unsigned long first = round_down(pfn, count), i;
	bool mapped = pfn_is_map_memory(pfn);

	if (!leaf->present || leaf->pfn != pfn)
		return;
	for (i = 0; i < count; i++)
		if (pfn_is_map_memory(first + i) != mapped)
			return;
	out->order = leaf->order;
}

/*
 * The page at @hva with a reference, or an error of get_user_pages(). A read fault takes the
 * page writable where that is so already, but breaks no copy-on-write for it.
 */
static long page_get(unsigned long hva, bool write, struct page **page, bool *writable)
{
	unsigned int flags = FOLL_HWPOISON | FOLL_INTERRUPTIBLE | (write ? FOLL_WRITE : 0);
	struct page *again;
	long got;

	*writable = true;
	if (get_user_page_fast_only(hva, FOLL_WRITE, page))
		return 1;
	got = get_user_pages_unlocked(hva, 1, page, flags);
	if (got != 1 || write)
		return got;
	*writable = get_user_page_fast_only(hva, FOLL_WRITE, &again);
	if (*writable) {
		put_page(*page);
		*page = again;
	}
	return got;
}

/* What an error of get_user_pages() means to core: a kind of backing, or an error. */
static int page_error(long error, struct backing *out)
{
	switch (error) {
	case -EHWPOISON:
		out->kind = BACKING_POISON;
		return 0;
	case -EINTR:
	case -ERESTARTSYS:
		return -EINTR;
	case -ENOMEM:
	case -EAGAIN:
		return error;
	case 0:
		return -EAGAIN;
	default:
		return 0;
	}
}

/* A special entry, which has no page to take: get_user_pages() has been here, and made it. */
static int backing_get_special(struct vma_facts facts, unsigned long hva, bool write,
			       struct backing *out)
{
	struct host_leaf leaf = tsr_host_leaf(current->mm, hva);

	if (!leaf.present || !leaf.special || (write && !leaf.writable))
		return 0;
	facts.write_back = prot_is_write_back(leaf.prot);
	backing_fill(out, &facts, leaf.pfn);
	backing_widen(out, &leaf);
	out->writable = leaf.writable;
	return 0;
}

/*
 * Anonymous pages lie in memory that the kernel tags, and take their tags with them wherever it
 * moves them, whatever the VMA; of hugetlb's that is so where a folio has a flag for it.
 */
static bool page_is_own(const struct vma_facts *facts, struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_hugetlb(folio) && !tsr_folio_has_one_tag_flag(folio))
		return false;
	return facts->anon || folio_test_anon(folio);
}

/* How much of the memory around @page is mapped by one entry: more than a page of few. */
static u8 page_mapped_order(unsigned long hva, struct page *page)
{
	struct host_leaf leaf;

	/* Of devices' memory older kernels make no folios. */
	if (!folio_test_large(page_folio(page)) && !is_zone_device_page(page))
		return 0;
	leaf = tsr_host_leaf(current->mm, hva);
	return leaf.present && leaf.pfn == page_to_pfn(page) ? leaf.order : 0;
}

static int backing_get_page(const struct vma_facts *facts, unsigned long hva, bool write, bool lazy,
			    struct backing *out)
{
	struct page *page;
	bool writable;
	long got = page_get(hva, write, &page, &writable);

	if ((got == -EEXIST || got == -EFAULT) && facts->mixed)
		return backing_get_special(*facts, hva, write, out);
	if (got != 1)
		return page_error(got, out);
	backing_fill(out, facts, page_to_pfn(page));
	out->writable = writable;
	out->order = page_mapped_order(hva, page);
	out->ref = page;
	if (lazy) {
		out->own = page_is_own(facts, page);
		tsr_page_tag_facts(page, out->order, out);
	}
	return 0;
}

/* The entry at @hva, which the mmap lock keeps from going away with its VMA. */
static int pfnmap_look(struct vm_area_struct *vma, unsigned long hva, bool write,
		       struct backing *out)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	struct vma_facts facts = vma_facts_of(vma);
	struct host_leaf leaf;

	if (follow_pfnmap_start(&args))
		return -ENOENT;
	if (write && !args.writable) {
		follow_pfnmap_end(&args);
		return -ENOENT;
	}
	/* A driver may map some pages otherwise than the VMA says. */
	facts.write_back = prot_is_write_back(args.pgprot);
	backing_fill(out, &facts, args.pfn);
	out->writable = args.writable;
	follow_pfnmap_end(&args);
	leaf = tsr_host_leaf(vma->vm_mm, hva);
	backing_widen(out, &leaf);
	return 0;
}

static int pfnmap_find(struct mm_struct *mm, unsigned long hva, bool write, struct backing *out)
{
	struct vm_area_struct *vma = vma_lookup(mm, hva);
	bool unlocked = false;
	int err;

	if (!vma || !pfnmap_look(vma, hva, write, out))
		return 0;
	err = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
	if (err == -ENOMEM)
		return err;
	if (err)
		return fatal_signal_pending(current) ? -EINTR : 0;
	if (unlocked)
		return -EAGAIN;
	return pfnmap_look(vma, hva, write, out) ? -EAGAIN : 0;
}

static int backing_get_pfnmap(unsigned long hva, bool write, struct backing *out)
{
	struct mm_struct *mm = current->mm;
	int err;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	err = pfnmap_find(mm, hva, write, out);
	mmap_read_unlock(mm);
	return err;
}

int seam_backing_get(struct vm *vm, const struct slot *slot, struct gfn gfn, enum backing_use use,
		     struct seam_memo *memo, struct backing *out)
{
	bool lazy = READ_ONCE(vm->mte) && READ_ONCE(vm->lazy_tags);
	unsigned long hva = slot_gfn_hva(slot, gfn).addr;
	bool write = use == USE_WRITE;
	const struct vma_facts *facts = &memo->facts;
	int err;

	*out = (struct backing){ .kind = BACKING_NONE };
	might_sleep();
	err = facts_read(memo, current->mm, hva);
	if (err || !facts->readable)
		return err;
	if (facts->remapped)
		return backing_get_pfnmap(hva, write, out);
	write |= use == USE_TAGS && facts->cow && !facts->can_tag;
	return backing_get_page(facts, hva, write, lazy, out);
}

/*
 * A guest's writes do not show in the host's own entry, so what can be swapped is marked dirty
 * by hand; anonymous memory after MADV_FREE too, which would be thrown away as clean. A file
 * system's page is not: it was marked when its entry became writable, and write-back, which
 * cleans it, takes the entry's permission and so the guest's first; marked later than that it
 * would be dirty without the file system's knowledge.
 */
void seam_backing_put(struct vm *vm, struct backing *b, bool dirtied)
{
	struct page *page = b->ref;
	struct folio *folio;

	if (!page)
		return;
	b->ref = NULL;
	folio = page_folio(page);
	if (dirtied && (folio_test_anon(folio) || folio_test_swapbacked(folio)))
		SetPageDirty(page);
	folio_mark_accessed(folio);
	folio_put(folio);
}

/* --- What stands behind a range of addresses. --- */

static enum backing_kind entry_kind(struct vma_facts facts, const struct host_leaf *leaf)
{
	if (!facts.remapped && !leaf->special)
		return facts_kind(&facts, true);
	facts.write_back = prot_is_write_back(leaf->prot);
	return facts_kind(&facts, pfn_is_map_memory(leaf->pfn));
}

/* What is not there yet is taken for what such mappings are made for; its fault judges it. */
static void survey_add(const struct vma_facts *facts, const struct host_leaf *leaf,
		       struct backing_survey *out)
{
	enum backing_kind kind =
		leaf->present ? entry_kind(*facts, leaf) : facts_kind(facts, !facts->remapped);

	out->kinds |= BIT(kind);
	out->remapped |= facts->remapped || (leaf->present && leaf->special);
	if (!facts->can_tag)
		out->untaggable |= BIT(kind);
}

/* Entry by entry where they may differ. */
static void survey_vma(struct vm_area_struct *vma, unsigned long at, unsigned long end,
		       struct backing_survey *out)
{
	const struct vma_facts facts = vma_facts_of(vma);
	struct host_leaf leaf = { .present = false };

	if (!facts.remapped && !facts.mixed) {
		survey_add(&facts, &leaf, out);
		return;
	}
	while (at < end) {
		leaf = tsr_host_leaf(vma->vm_mm, at);
		survey_add(&facts, &leaf, out);
		at = round_down(at, PAGE_SIZE << leaf.order) + (PAGE_SIZE << leaf.order);
		cond_resched();
	}
}

int seam_backing_survey(struct vm *vm, struct hva hva, u64 size, struct backing_survey *out)
{
	struct mm_struct *mm = current->mm;
	unsigned long reached = hva.addr, end = hva.addr + size;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, hva.addr);

	*out = (struct backing_survey){ 0 };
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > reached)
			out->kinds |= BIT(BACKING_NONE);
		survey_vma(vma, max(vma->vm_start, hva.addr), min(vma->vm_end, end), out);
		reached = vma->vm_end;
	}
	mmap_read_unlock(mm);
	if (reached < end)
		out->kinds |= BIT(BACKING_NONE);
	return 0;
}
