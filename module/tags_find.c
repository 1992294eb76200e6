// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages of the VMM may have tags, by its page tables: a few instructions a page, where
 * get_user_pages() needs hundreds, and populates what it does not find.
 *
 * An entry is looked at under the lock of its table, where what is mapped cannot be freed, and
 * an entry that is empty is empty (arm64 also empties entries for a moment without telling
 * notifiers, to change their size).
 *
 * Tables are looked at only below a mapping that the mmap lock keeps there: those of one that
 * is gone are freed beside readers of that lock, and when memory is short RCU does not delay
 * that. What may be freed below a mapping that stays (khugepaged) is, after a grace period.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "tags.h"

/* Pages [@i, ...) of those that are looked for, by bits. */
struct find {
	struct mm_struct *mm;
	unsigned long hva;
	unsigned int count; /* they end here: a mapping does, or what was asked for */
	u64 may;	    /* may have tags */
	u64 absent;	    /* are in no table: tags may be elsewhere */
};

static unsigned long find_address(const struct find *f, unsigned int i)
{
	return f->hva + (unsigned long)i * PAGE_SIZE;
}

static u64 find_bits(unsigned int i, unsigned int count)
{
	return count ? GENMASK_ULL(i + count - 1, i) : 0;
}

/* Those from @i on for which one entry stands that covers 2^@shift bytes. */
static unsigned int find_span(const struct find *f, unsigned int i, unsigned int shift)
{
	unsigned long at = find_address(f, i) >> PAGE_SHIFT;
	unsigned long size = 1UL << (shift - PAGE_SHIFT);

	return min_t(unsigned long, f->count - i, size - (at & (size - 1)));
}

static unsigned int find_absent(struct find *f, unsigned int i, unsigned int shift)
{
	unsigned int count = find_span(f, i, shift);

	f->absent |= find_bits(i, count);
	return count;
}

/* Neither there nor empty: on its way from or to somewhere, with its tags. */
static unsigned int find_moving(struct find *f, unsigned int i, unsigned int shift)
{
	unsigned int count = find_span(f, i, shift);

	f->may |= find_bits(i, count);
	return count;
}

/*
 * A block whose first page, of those it stands for from @i on, is @pfn; its lock is held. Memory
 * of a device may have no struct page.
 */
static unsigned int find_block(struct find *f, unsigned int i, unsigned int shift,
			       unsigned long pfn)
{
	unsigned int count = find_span(f, i, shift), k;

	for (k = 0; k < count && pfn_valid(pfn); k++)
		if (tsr_page_is_tagged(pfn_to_page(pfn + k)))
			f->may |= BIT_ULL(i + k);
	return count;
}

static unsigned int find_pud(struct find *f, unsigned int i, pud_t *pudp)
{
	unsigned long offset = find_address(f, i) & ~PUD_MASK;
	spinlock_t *lock = pud_lock(f->mm, pudp);
	pud_t pud = READ_ONCE(*pudp);
	unsigned int count = 0;

	if (pud_present(pud) && pud_leaf(pud))
		count = find_block(f, i, PUD_SHIFT, pud_pfn(pud) + PHYS_PFN(offset));
	spin_unlock(lock);
	return count;
}

static unsigned int find_pmd(struct find *f, unsigned int i, pmd_t *pmdp)
{
	unsigned long offset = find_address(f, i) & ~PMD_MASK;
	spinlock_t *lock = pmd_lock(f->mm, pmdp);
	pmd_t pmd = READ_ONCE(*pmdp);
	unsigned int count = 0;

	if (pmd_present(pmd) && pmd_leaf(pmd))
		count = find_block(f, i, PMD_SHIFT, pmd_pfn(pmd) + PHYS_PFN(offset));
	spin_unlock(lock);
	return count;
}

static unsigned int find_ptes(struct find *f, unsigned int i, pmd_t *pmdp, pmd_t pmd)
{
	unsigned int count = find_span(f, i, PMD_SHIFT), end = i + count;
	spinlock_t *lock = pte_lockptr(f->mm, &pmd);
	pte_t *ptep = pte_offset_kernel(&pmd, find_address(f, i));

	spin_lock(lock);
	if (pmd_val(READ_ONCE(*pmdp)) != pmd_val(pmd))
		count = 0;
	for (; count && i < end; i++, ptep++) {
		pte_t pte = READ_ONCE(*ptep);

		if (pte_none(pte))
			f->absent |= BIT_ULL(i);
		else if (!pte_present(pte))
			f->may |= BIT_ULL(i);
		else if (!pte_special(pte) && tsr_page_is_tagged(pte_page(pte)))
			f->may |= BIT_ULL(i);
	}
	spin_unlock(lock);
	return count;
}

/* Deals with pages from @i on and returns how many; 0: the tables have changed, look again. */
static unsigned int find_step(struct find *f, unsigned int i)
{
	unsigned long at = find_address(f, i);
	pgd_t *pgdp = pgd_offset(f->mm, at), pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t *pmdp, pmd;

	if (pgd_none(pgd))
		return find_absent(f, i, PGDIR_SHIFT);
	p4dp = p4d_offset_lockless(pgdp, pgd, at);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d))
		return find_absent(f, i, P4D_SHIFT);
	pudp = pud_offset_lockless(p4dp, p4d, at);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud))
		return find_absent(f, i, PUD_SHIFT);
	if (!pud_present(pud))
		return find_moving(f, i, PUD_SHIFT);
	if (pud_leaf(pud))
		return find_pud(f, i, pudp);
	pmdp = pmd_offset_lockless(pudp, pud, at);
	pmd = READ_ONCE(*pmdp);
	if (pmd_none(pmd))
		return find_absent(f, i, PMD_SHIFT);
	if (!pmd_present(pmd))
		return find_moving(f, i, PMD_SHIFT);
	if (pmd_leaf(pmd))
		return find_pmd(f, i, pmdp);
	return find_ptes(f, i, pmdp, pmd);
}

/* Absent pages of a file are in its page cache, or swapped out from there, or nowhere. */
static void find_cached(struct find *f, const struct vm_area_struct *vma, unsigned int i,
			unsigned int count)
{
	unsigned long first = linear_page_index((struct vm_area_struct *)vma, find_address(f, i));
	unsigned long at = first, last = first + count - 1;
	struct xarray *pages = &vma->vm_file->f_mapping->i_pages;

	for (; at <= last && xa_find(pages, &at, last, XA_PRESENT); at++)
		f->may |= BIT_ULL(i + (at - first)) & f->absent;
}

/*
 * Pages from @i on, to the end of @vma or of what was asked for. Anonymous memory that is in no
 * table has never been touched.
 */
static void find_mapped(struct find *f, const struct vm_area_struct *vma, unsigned int i)
{
	unsigned int first = i;

	f->absent = 0;
	rcu_read_lock();
	while (i < f->count)
		i += find_step(f, i);
	rcu_read_unlock();
	if (f->absent && vma->vm_file && (vma->vm_flags & VM_MTE_ALLOWED))
		find_cached(f, vma, first, f->count - first);
}

int tsr_tags_find(unsigned long hva, unsigned int *count, u64 *may)
{
	struct find f = { .mm = current->mm, .hva = hva };
	unsigned int i;
	int err = mmap_read_lock_killable(f.mm) ? -EINTR : 0;

	for (i = 0; !err && i < *count; i = f.count) {
		unsigned long at = find_address(&f, i);
		struct vm_area_struct *vma = vma_lookup(f.mm, at);

		if (!vma) {
			err = -EFAULT;
			break;
		}
		f.count = i + min_t(unsigned long, *count - i, PHYS_PFN(vma->vm_end - at));
		find_mapped(&f, vma, i);
	}
	if (err != -EINTR)
		mmap_read_unlock(f.mm);
	*count = i;
	*may = f.may;
	return err;
}
