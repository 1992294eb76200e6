// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory behind a slot, one page at a time: what the VMM's address space has
 * at an address (core/seam.h, struct backing), found by get_user_pages() or, where
 * the mapping has no pages, by the page tables themselves (VM_PFNMAP).
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
#include "tessera.h"

/* What policy wants to know of a VMA. */
struct vma_facts {
	bool present;
	bool write_back; /* by its protection bits: Normal memory, Tagged or not */
	bool any_uncached;
	bool can_tag;
	bool anon;
	bool cow;      /* private and writable: who writes gets a page of the VMM's own */
	bool remapped; /* VM_IO, VM_PFNMAP: get_user_pages() refuses it */
};

static bool prot_is_write_back(pgprot_t prot)
{
	u64 index = FIELD_GET(PTE_ATTRINDX_MASK, pgprot_val(prot));

	return index == MT_NORMAL || index == MT_NORMAL_TAGGED;
}

static struct vma_facts vma_facts_of(const struct vm_area_struct *vma)
{
	return (struct vma_facts){
		.present = true,
		.write_back = prot_is_write_back(vma->vm_page_prot),
		.any_uncached = (vma->vm_flags & VM_ALLOW_ANY_UNCACHED) != 0,
		.can_tag = (vma->vm_flags & VM_MTE_ALLOWED) != 0,
		.anon = !vma->vm_ops,
		.cow = (vma->vm_flags & (VM_SHARED | VM_WRITE)) == VM_WRITE,
		.remapped = (vma->vm_flags & (VM_IO | VM_PFNMAP)) != 0,
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

static int facts_read(struct mm_struct *mm, unsigned long hva, struct vma_facts *facts)
{
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, hva);
	*facts = vma ? vma_facts_of(vma) : (struct vma_facts){ .present = false };
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
 * log2 of the pages of the leaf entry that maps @hva in the host's own tables, 0 if it is
 * gone. Interrupts off keep the tables: they are freed after an RCU grace period.
 */
static u8 host_leaf_order(struct mm_struct *mm, unsigned long hva)
{
	unsigned long irq;
	pgd_t *pgdp, pgd;
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t pmd;
	u8 order = 0;

	local_irq_save(irq);
	pgdp = pgd_offset(mm, hva);
	pgd = READ_ONCE(*pgdp);
	if (pgd_none(pgd))
		goto out;
	p4dp = p4d_offset_lockless(pgdp, pgd, hva);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pudp = pud_offset_lockless(p4dp, p4d, hva);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		order = PUD_SHIFT - PAGE_SHIFT;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset_lockless(pudp, pud, hva));
	if (pmd_present(pmd) && pmd_leaf(pmd))
		order = PMD_SHIFT - PAGE_SHIFT;
out:
	local_irq_restore(irq);
	return order;
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

static int backing_get_page(const struct vma_facts *facts, unsigned long hva, bool write, bool lazy,
			    struct backing *out)
{
	struct page *page;
	bool writable;
	long got = page_get(hva, write, &page, &writable);

	if (got != 1)
		return page_error(got, out);
	backing_fill(out, facts, page_to_pfn(page));
	out->writable = writable;
	out->order = host_leaf_order(current->mm, hva);
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

	if (follow_pfnmap_start(&args))
		return -ENOENT;
	if (write && !args.writable) {
		follow_pfnmap_end(&args);
		return -ENOENT;
	}
	backing_fill(out, &facts, args.pfn);
	out->writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
}

/* One page at a time: nothing says that neighbours are contiguous. */
static int pfnmap_find(struct mm_struct *mm, unsigned long hva, bool write, struct backing *out)
{
	struct vm_area_struct *vma = vma_lookup(mm, hva);
	bool unlocked = false;
	int err;

	if (!vma || !pfnmap_look(vma, hva, write, out))
		return 0;
	err = fixup_user_fault(mm, hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
	if (err == -EHWPOISON || err == -ENOMEM)
		return page_error(err, out);
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
		     struct backing *out)
{
	bool lazy = READ_ONCE(vm->mte) && READ_ONCE(vm->lazy_tags);
	unsigned long hva = slot_gfn_hva(slot, gfn).addr;
	bool write = use == USE_WRITE;
	struct vma_facts facts;
	int err;

	*out = (struct backing){ .kind = BACKING_NONE };
	might_sleep();
	err = facts_read(current->mm, hva, &facts);
	if (err || !facts.present)
		return err;
	if (facts.remapped)
		return backing_get_pfnmap(hva, write, out);
	write |= use == USE_TAGS && facts.cow && !facts.can_tag;
	return backing_get_page(&facts, hva, write, lazy, out);
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
	mark_page_accessed(page);
	put_page(page);
}

/*
 * What stands behind a whole VMA. Of a remapped one the first page tells whether the kernel
 * maps the memory; where that page is not there yet it is taken for a device's, which such
 * mappings are made for. Each page is judged again at its fault.
 */
static enum backing_kind survey_kind(struct vm_area_struct *vma, const struct vma_facts *facts)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = vma->vm_start };
	bool kernel_mapped;

	if (!facts->remapped)
		return facts_kind(facts, true);
	if (follow_pfnmap_start(&args))
		return facts_kind(facts, false);
	kernel_mapped = pfn_is_map_memory(args.pfn);
	follow_pfnmap_end(&args);
	return facts_kind(facts, kernel_mapped);
}

int seam_backing_survey(struct vm *vm, struct hva hva, u64 size, struct backing_survey *out)
{
	struct mm_struct *mm = current->mm;
	unsigned long reached = hva.addr;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, hva.addr);

	*out = (struct backing_survey){ 0 };
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for_each_vma_range(vmi, vma, hva.addr + size) {
		struct vma_facts facts = vma_facts_of(vma);
		enum backing_kind kind = survey_kind(vma, &facts);

		if (vma->vm_start > reached)
			out->kinds |= BIT(BACKING_NONE);
		reached = vma->vm_end;
		out->kinds |= BIT(kind);
		out->remapped |= facts.remapped;
		if (!facts.can_tag)
			out->untaggable |= BIT(kind);
	}
	mmap_read_unlock(mm);
	if (reached < hva.addr + size)
		out->kinds |= BIT(BACKING_NONE);
	return 0;
}
