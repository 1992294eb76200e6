// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "hostleaf.h"

/* An entry of 2^@order pages, of which @hva is in one: all levels have the same format. */
static struct host_leaf leaf_of(pte_t entry, u8 order, unsigned long hva)
{
	unsigned long inside = (hva >> PAGE_SHIFT) & ((1UL << order) - 1);

	return (struct host_leaf){
		.present = true,
		.order = order,
		.writable = pte_write(entry),
		.special = pte_special(entry),
		.pfn = pte_pfn(entry) + inside,
		.prot = __pgprot(pte_val(entry) & ~PTE_ADDR_LOW),
	};
}

static struct host_leaf leaf_none(unsigned int shift)
{
	return (struct host_leaf){ .order = shift - PAGE_SHIFT };
}

static struct host_leaf leaf_in_table(pmd_t *pmd, unsigned long hva)
{
	pte_t pte = READ_ONCE(*pte_offset_kernel(pmd, hva));

	return pte_present(pte) ? leaf_of(pte, 0, hva) : leaf_none(PAGE_SHIFT);
}

static struct host_leaf leaf_below_pud(pud_t *pudp, pud_t pud, unsigned long hva)
{
	pmd_t pmd = READ_ONCE(*pmd_offset_lockless(pudp, pud, hva));

	if (!pmd_present(pmd))
		return leaf_none(PMD_SHIFT);
	if (pmd_leaf(pmd))
		return leaf_of(pmd_pte(pmd), PMD_SHIFT - PAGE_SHIFT, hva);
	return leaf_in_table(&pmd, hva);
}

static struct host_leaf leaf_find(struct mm_struct *mm, unsigned long hva)
{
	pgd_t *pgdp = pgd_offset(mm, hva), pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;

	if (pgd_none(pgd))
		return leaf_none(PGDIR_SHIFT);
	p4dp = p4d_offset_lockless(pgdp, pgd, hva);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		return leaf_none(P4D_SHIFT);
	pudp = pud_offset_lockless(p4dp, p4d, hva);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		return leaf_none(PUD_SHIFT);
	if (pud_leaf(pud))
		return leaf_of(pud_pte(pud), PUD_SHIFT - PAGE_SHIFT, hva);
	return leaf_below_pud(pudp, pud, hva);
}

/* Interrupts off keep the tables: they are freed after an RCU grace period. */
struct host_leaf tsr_host_leaf(struct mm_struct *mm, unsigned long hva)
{
	struct host_leaf leaf;
	unsigned long irq;

	local_irq_save(irq);
	leaf = leaf_find(mm, hva);
	local_irq_restore(irq);
	return leaf;
}
