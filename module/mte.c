// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation tags of host pages. The truth about them is the kernel's page flag
 * PG_mte_tagged: set, the page carries live tags, which belong to its contents
 * and move with them (swap, migration, copy on write); clear, what the tag
 * memory holds is of an earlier owner. The flag is taken under PG_mte_lock, so
 * that of several vCPUs, VMs and PROT_MTE mappings one alone zeroes the tags.
 */
#include <linux/mm.h>
#include <asm/cpufeature.h>

#include "tags.h"

/* The linear map is Tagged; STGM is not tag-checked, whatever KASAN put in the pointer. */
static void page_tags_zero(struct page *page, u64 block)
{
	unsigned long at = (unsigned long)page_address(page);
	unsigned long end = at + PAGE_SIZE;

	for (; at < end; at += block)
		asm volatile(".arch_extension memtag\n"
			     "	stgm	xzr, [%0]\n"
			     :
			     : "r"(at)
			     : "memory");
}

void tsr_page_tags_clear(struct page *page)
{
	if (system_supports_mte() && page_mte_tagged(page))
		page_tags_zero(page, tsr_tag_block());
}

/* One flag for all of a folio of hugetlb. */
static void hugetlb_tags_sanitise(struct folio *folio, u64 block)
{
	unsigned long i;

	if (!tsr_folio_try_tagging(folio))
		return;
	for (i = 0; i < folio_nr_pages(folio); i++)
		page_tags_zero(folio_page(folio, i), block);
	tsr_folio_set_tagged(folio);
}

static void page_tags_sanitise(struct page *page, u64 block)
{
	if (!try_page_mte_tagging(page))
		return;
	page_tags_zero(page, block);
	set_page_mte_tagged(page);
}

/*
 * All of a large folio alike: when Linux splits one, each part gets the flag that the first page
 * has (mm/huge_memory.c, __split_folio_to_order()). A later page's own would be lost with its
 * tags, and the first one's would pass off what an earlier owner left for live tags. It is not
 * split meanwhile: the caller holds a page of it. The zero page is everybody's, its tags are zero
 * from boot on, and nobody can write them.
 */
void tsr_folio_tags_sanitise(struct folio *folio)
{
	u64 block = tsr_tag_block();
	unsigned long i;

	if (is_zero_page(folio_page(folio, 0)))
		return;
	if (tsr_folio_has_one_tag_flag(folio)) {
		hugetlb_tags_sanitise(folio, block);
		return;
	}
	for (i = 0; i < folio_nr_pages(folio); i++)
		page_tags_sanitise(folio_page(folio, i), block);
}

void seam_tags_sanitise(struct hpa hpa, u64 pages)
{
	unsigned long pfn = PHYS_PFN(hpa.addr);
	unsigned long end = pfn + pages;

	if (!system_supports_mte())
		return;
	while (pfn < end) {
		struct page *page = pfn_to_page(pfn);
		struct folio *folio = page_folio(page);

		tsr_folio_tags_sanitise(folio);
		pfn += folio_nr_pages(folio) - folio_page_idx(folio, page);
	}
}

void tsr_page_tag_facts(struct page *page, u8 order, struct backing *out)
{
	unsigned long count = 1UL << order;
	struct page *first = page - (page_to_pfn(page) & (count - 1));
	unsigned long i;

	out->blank = is_zero_page(page);
	if (!folio_test_large(page_folio(page))) {
		out->tagged = page_mte_tagged(page);
		out->tagged_count = out->tagged;
		return;
	}
	/* The flag that it would have after a split. */
	out->tagged =
		tsr_page_is_tagged(page) || tsr_page_is_tagged(folio_page(page_folio(page), 0));
	if (tsr_folio_has_one_tag_flag(page_folio(page))) {
		out->tagged_count = out->tagged ? count : 0;
		return;
	}
	/* Huge pages of hugetlb that have no flag cannot hold tags. */
	if (folio_test_hugetlb(page_folio(page)))
		return;
	for (i = 0; i < count; i++)
		out->tagged_count += page_mte_tagged(first + i);
}
