// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tags of one host page, packed. LDGM and STGM deal with 256 bytes at once, those of one
 * word, or with fewer: then they use the nibbles that the address selects, and the rest reads
 * as 0 (Arm ARM C6.2).
 */
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "tags.h"

#define WORD_BYTES 256UL

static u64 block_read(unsigned long at)
{
	u64 tags;

	asm volatile(".arch_extension memtag\n"
		     "	ldgm	%0, [%1]\n"
		     : "=r"(tags)
		     : "r"(at)
		     : "memory");
	return tags;
}

static void block_write(unsigned long at, u64 tags)
{
	asm volatile(".arch_extension memtag\n"
		     "	stgm	%0, [%1]\n"
		     :
		     : "r"(tags), "r"(at)
		     : "memory");
}

/* The linear map is Tagged; neither instruction is tag-checked. */
static void page_read(struct page *page, struct tsr_page_tags *tags)
{
	unsigned long at = (unsigned long)page_address(page);
	unsigned long block = tsr_tag_block(), within;
	unsigned int i;

	for (i = 0; i < TSR_TAG_WORDS; i++, at += WORD_BYTES) {
		tags->words[i] = 0;
		for (within = 0; within < WORD_BYTES; within += block)
			tags->words[i] |= block_read(at + within);
	}
}

static void page_write(struct page *page, const struct tsr_page_tags *tags)
{
	unsigned long at = (unsigned long)page_address(page);
	unsigned long block = tsr_tag_block(), within;
	unsigned int i;

	for (i = 0; i < TSR_TAG_WORDS; i++, at += WORD_BYTES)
		for (within = 0; within < WORD_BYTES; within += block)
			block_write(at + within, tags->words[i]);
}

bool tsr_page_tags_read(struct page *page, struct tsr_page_tags *tags)
{
	if (tsr_page_is_tagged(page))
		page_read(page, tags);
	else
		memset(tags, 0, sizeof(*tags));
	return memchr_inv(tags, 0, sizeof(*tags));
}

/*
 * Preemption is off for as long as PG_mte_lock is held: a vCPU that wants the same page spins
 * with preemption off (seam_tags_sanitise()), perhaps on this very CPU.
 */
void tsr_page_tags_write(struct page *page, const struct tsr_page_tags *tags)
{
	struct folio *folio = page_folio(page);
	bool first = false;

	preempt_disable();
	if (folio_test_large(folio))
		tsr_folio_tags_sanitise(folio);
	else
		first = try_page_mte_tagging(page);
	page_write(page, tags);
	if (first)
		set_page_mte_tagged(page);
	preempt_enable();
}
